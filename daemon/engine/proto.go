package engine

import (
	"strconv"

	"github.com/mlbridge/mlbridge/ipc/excerpt"
)

// The messages below mirror the parts of onnx.proto3 that the subset reads;
// the comments give the field numbers. Unknown fields are skipped, fields that
// would change the meaning of what is read are refused.

// modelProto is ModelProto: ir_version 1, graph 7, opset_import 8,
// metadata_props 14, functions 25.
type modelProto struct {
	ir       int64
	graph    *graphProto
	opsets   map[string]int64
	metadata map[string]string
}

// graphProto is GraphProto: node 1, initializer 5, input 11, output 12,
// sparse_initializer 15.
type graphProto struct {
	nodes   []*nodeProto
	tensors []*tensor
	inputs  []valueProto
	outputs []valueProto
}

// valueProto is ValueInfoProto reduced to tensors: name 1, type 2. A dimension
// that is symbolic or absent is -1; elem 0 means the type is no tensor
// (ZipMap's sequence of maps) or is not given.
type valueProto struct {
	name string
	elem int64
	dims []int64
}

// quote prints a name from the file: escaped, and cut where it is absurd.
func quote(name string) string { return strconv.Quote(excerpt.Of(name, 64)) }

func parseModel(b []byte, q *quota) (*modelProto, error) {
	m := &modelProto{opsets: map[string]int64{}, metadata: map[string]string{}}
	var graph []byte
	r := reader{b: b, q: q}
	for r.next() {
		switch r.num {
		case 1:
			m.ir = r.int()
		case 7:
			if graph != nil {
				r.fail(malformed("two graphs"))
			}
			graph = r.bytes()
		case 8:
			r.fail(m.addOpset(r.bytes(), q))
		case 14:
			r.fail(m.addMetadata(r.bytes(), q))
		case 25:
			r.fail(unsupported("model-local functions"))
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if m.ir < 3 {
		return nil, malformed("ir_version %d, want at least 3", m.ir)
	}
	if graph == nil {
		return nil, malformed("no graph")
	}
	if len(m.opsets) == 0 {
		return nil, malformed("no opset_import")
	}
	var err error
	m.graph, err = parseGraph(graph, q)
	return m, err
}

// addOpset reads an OperatorSetIdProto: domain 1, version 2. Converters repeat
// a domain; that is fine as long as the versions agree.
func (m *modelProto) addOpset(b []byte, q *quota) error {
	var domain string
	var version int64
	r := reader{b: b, q: q}
	for r.next() {
		switch r.num {
		case 1:
			domain = r.string()
		case 2:
			version = r.int()
		}
	}
	if r.err != nil {
		return r.err
	}
	domain = canonicalDomain(domain)
	if had, ok := m.opsets[domain]; ok && had != version {
		return malformed("opset_import of %s twice: %d and %d", quote(domain), had, version)
	}
	if len(m.opsets) >= 64 {
		return tooMany("opset imports", 64)
	}
	m.opsets[domain] = version
	return nil
}

// addMetadata reads a StringStringEntryProto: key 1, value 2.
func (m *modelProto) addMetadata(b []byte, q *quota) error {
	if err := q.addElements(1); err != nil {
		return err
	}
	var key, value string
	r := reader{b: b, q: q}
	for r.next() {
		switch r.num {
		case 1:
			key = r.string()
		case 2:
			value = r.string()
		}
	}
	if _, twice := m.metadata[key]; twice && r.err == nil {
		return malformed("metadata key %s twice", quote(key))
	}
	m.metadata[key] = value
	return r.err
}

// canonicalDomain: the default domain has two spellings.
func canonicalDomain(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

func parseGraph(b []byte, q *quota) (*graphProto, error) {
	g := &graphProto{}
	r := reader{b: b, q: q}
	for r.next() {
		switch r.num {
		case 1:
			n, err := parseNode(r.bytes(), q)
			r.fail(err)
			g.nodes = append(g.nodes, n)
		case 5:
			t, err := parseTensor(r.bytes(), q)
			r.fail(err)
			g.tensors = append(g.tensors, t)
		case 11, 12:
			v, err := parseValue(r.bytes(), q)
			r.fail(err)
			if r.num == 11 {
				g.inputs = append(g.inputs, v)
			} else {
				g.outputs = append(g.outputs, v)
			}
		case 15:
			r.fail(unsupported("sparse initialisers"))
		}
	}
	return g, r.err
}

func parseValue(b []byte, q *quota) (valueProto, error) {
	var v valueProto
	if err := q.addTensor(); err != nil {
		return v, err
	}
	r := reader{b: b, q: q}
	for r.next() {
		switch r.num {
		case 1:
			v.name = r.string()
		case 2:
			r.fail(v.parseType(r.bytes(), q))
		}
	}
	return v, r.err
}

// parseType descends TypeProto.tensor_type (1): elem_type 1, shape 2, whose
// dims (1) hold dim_value 1 or dim_param 2.
func (v *valueProto) parseType(b []byte, q *quota) error {
	typ := reader{b: b, q: q}
	for typ.next() {
		if typ.num != 1 {
			continue
		}
		tt := reader{b: typ.bytes(), q: q}
		for tt.next() {
			switch tt.num {
			case 1:
				v.elem = tt.int()
			case 2:
				shape := reader{b: tt.bytes(), q: q}
				for shape.next() {
					if shape.num == 1 {
						shape.fail(v.addDim(shape.bytes(), q))
					}
				}
				tt.fail(shape.err)
			}
		}
		typ.fail(tt.err)
	}
	return typ.err
}

func (v *valueProto) addDim(b []byte, q *quota) error {
	if len(v.dims) >= maxRank {
		return unsupported("value %s of rank above %d", quote(v.name), maxRank)
	}
	dim := int64(-1)
	r := reader{b: b, q: q}
	for r.next() {
		if r.num == 1 {
			dim = r.int()
		}
	}
	v.dims = append(v.dims, dim)
	return r.err
}
