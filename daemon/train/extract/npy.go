package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"strings"
)

// npyHeader is the fixed size of the header written: room for the shape to be
// filled in at the end, when the number of rows is known.
const npyHeader = 128

// matrix writes a two-dimensional .npy file (format 1.0, float32 or float64,
// little endian, C order) row by row.
type matrix struct {
	file  *os.File
	out   *bufio.Writer
	width int
	dtype string
	rows  int
	bytes []byte
}

func createMatrix(path string, width int, dtype string) (*matrix, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	m := &matrix{file: f, out: bufio.NewWriterSize(f, 1<<20), width: width, dtype: dtype}
	_, err = m.out.Write(make([]byte, npyHeader))
	return m, err
}

func (m *matrix) addF32(row []float32) error {
	m.bytes = m.bytes[:0]
	for _, v := range row[:m.width] {
		if v-v != 0 {
			return fmt.Errorf("row %d holds %v", m.rows, v)
		}
		m.bytes = binary.LittleEndian.AppendUint32(m.bytes, math.Float32bits(v))
	}
	m.rows++
	_, err := m.out.Write(m.bytes)
	return err
}

func (m *matrix) addF64(row []float64) error {
	m.bytes = m.bytes[:0]
	for _, v := range row[:m.width] {
		m.bytes = binary.LittleEndian.AppendUint64(m.bytes, math.Float64bits(v))
	}
	m.rows++
	_, err := m.out.Write(m.bytes)
	return err
}

func (m *matrix) close() error {
	if err := m.out.Flush(); err != nil {
		return err
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d), }", m.dtype, m.rows, m.width)
	head := "\x93NUMPY\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, npyHeader-10)) + dict
	head += strings.Repeat(" ", npyHeader-1-len(head)) + "\n"
	if _, err := m.file.WriteAt([]byte(head), 0); err != nil {
		return err
	}
	return m.file.Close()
}
