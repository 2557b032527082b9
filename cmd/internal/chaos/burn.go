package chaos

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// burnerSource is a program in C that takes the processors when it is told to.
//
//go:embed burner/burner.c
var burnerSource []byte

// buildBurner makes a program of it in a folder. It needs a C compiler, cc.
func buildBurner(dir string) (program string, err error) {
	program, text := filepath.Join(dir, "burner"), filepath.Join(dir, "burner.c")
	if err := os.WriteFile(text, burnerSource, 0o600); err != nil {
		return "", err
	}
	if out, err := exec.Command("cc", "-O2", "-pthread", "-o", program, text).CombinedOutput(); err != nil {
		return "", fmt.Errorf("chaos: cc: %w: %s", err, out)
	}
	return program, nil
}

// startBurner has the program take the processors as as says, over and over.
func startBurner(program string, as *Use) (*Process, error) {
	in, tell, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	go func() { // ends with the process at the latest
		defer tell.Close()
		_ = as.write(tell)
	}()
	return spawn(func(cmd *exec.Cmd) { cmd.Stdin = in }, program)
}

// write says it in the burner's words.
func (u *Use) write(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintln(w, len(u.Threads), int64(u.Lasts))
	for _, runs := range u.Threads {
		fmt.Fprint(w, len(runs))
		for _, r := range runs {
			fmt.Fprint(w, " ", int64(r.At), " ", int64(r.For))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
