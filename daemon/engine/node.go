package engine

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/mlbridge/mlbridge/ipc/excerpt"
)

// maxAttributes is per node; the largest operator of the subset has 22.
// maxArity bounds inputs and outputs of a node (Concat is the widest).
const (
	maxAttributes = 32
	maxArity      = 1024
)

// nodeProto is NodeProto: input 1, output 2, name 3, op_type 4, attribute 5,
// domain 7.
type nodeProto struct {
	name, op, domain string
	in, out          []string
	attrs            map[string]*attribute
}

// attribute is AttributeProto: name 1, f 2, i 3, s 4, t 5, floats 7, ints 8,
// strings 9. has notes which field came, so that an attribute of the wrong
// type is an error and not a silent zero.
type attribute struct {
	has     protowire.Number
	f       float32
	i       int64
	s       string
	t       *tensor
	floats  []float32
	ints    []int64
	strings [][]byte // alias the file
}

// String names the node in error messages.
func (n *nodeProto) String() string {
	name := n.name
	if name == "" && len(n.out) > 0 {
		name = n.out[0] // names are optional, outputs are unique
	}
	op := excerpt.Of(n.op, 64)
	if n.domain != "" {
		return "operator " + quote(n.domain+"."+op) + " (node " + quote(name) + ")"
	}
	return "operator " + quote(op) + " (node " + quote(name) + ")"
}

func parseNode(b []byte, q *quota) (*nodeProto, error) {
	if err := q.addNode(); err != nil {
		return nil, err
	}
	n := &nodeProto{}
	var attrs [][]byte
	r := reader{b: b, q: q}
	for r.next() {
		switch r.num {
		case 1:
			n.in = append(n.in, r.string())
		case 2:
			n.out = append(n.out, r.string())
		case 3:
			n.name = r.string()
		case 4:
			n.op = r.string()
		case 5:
			attrs = append(attrs, r.bytes())
		case 7:
			n.domain = canonicalDomain(r.string())
		}
		if len(n.in)+len(n.out) > maxArity {
			r.fail(tooMany("inputs and outputs of a node", maxArity))
		}
		if len(attrs) > maxAttributes {
			r.fail(tooMany("attributes of a node", maxAttributes))
		}
	}
	// Attributes precede the operator's name in no particular order, so they
	// are parsed last: their errors can then name the node.
	n.attrs = make(map[string]*attribute, len(attrs))
	for _, b := range attrs {
		name, a, err := parseAttribute(b, q)
		if err != nil {
			return nil, at(n, err)
		}
		if n.attrs[name] != nil {
			return nil, at(n, malformed("attribute %s twice", quote(name)))
		}
		n.attrs[name] = a
	}
	return n, r.err
}

func parseAttribute(b []byte, q *quota) (string, *attribute, error) {
	var name string
	a := &attribute{}
	r := reader{b: b, q: q}
	for r.next() {
		num := r.num
		switch num {
		case 1:
			name = r.string()
			continue
		case 2:
			a.f = r.float()
		case 3:
			a.i = r.int()
		case 4:
			a.s = r.string()
		case 5:
			t, err := parseTensor(r.bytes(), q)
			r.fail(err)
			a.t = t
		case 7:
			a.floats = r.floats(a.floats)
		case 8:
			a.ints = r.ints(a.ints)
		case 9:
			if r.charge(1) {
				a.strings = append(a.strings, r.bytes())
			}
		case 6, 10, 11, 14, 15, 21, 22, 23:
			r.fail(unsupported("attribute %s holds a subgraph, tensors, types or a reference", quote(name)))
		default:
			continue // doc_string, type and whatever comes later
		}
		if a.has != 0 && a.has != num {
			r.fail(malformed("attribute %s has two values", quote(name)))
		}
		a.has = num
	}
	return name, a, r.err
}

// attr returns the attribute if present, refusing one stored in a field other
// than num. An attribute without any value is an empty list (protobuf does not
// write empty repeated fields) and passes as one.
func (n *nodeProto) attr(name string, num protowire.Number) (*attribute, error) {
	a := n.attrs[name]
	if a == nil || a.has == num {
		return a, nil
	}
	if a.has == 0 {
		return a, nil
	}
	return nil, malformed("attribute %s has the wrong type", quote(name))
}

func (n *nodeProto) intAttr(name string, def int64) (int64, error) {
	a, err := n.attr(name, 3)
	if a == nil || err != nil {
		return def, err
	}
	return a.i, nil
}

// floatAttr is for scalars that enter arithmetic: it must be finite.
func (n *nodeProto) floatAttr(name string, def float32) (float32, error) {
	a, err := n.attr(name, 2)
	if a == nil || err != nil {
		return def, err
	}
	return a.f, finite("attribute "+quote(name), []float32{a.f})
}

func (n *nodeProto) stringAttr(name, def string) (string, error) {
	a, err := n.attr(name, 4)
	if a == nil || err != nil {
		return def, err
	}
	return a.s, nil
}

func (n *nodeProto) intsAttr(name string) ([]int64, error) {
	a, err := n.attr(name, 8)
	if a == nil || err != nil {
		return nil, err
	}
	return a.ints, nil
}

func (n *nodeProto) floatsAttr(name string) ([]float32, error) {
	a, err := n.attr(name, 7)
	if a == nil || err != nil {
		return nil, err
	}
	return a.floats, nil
}

func (n *nodeProto) stringsAttr(name string) ([][]byte, error) {
	a, err := n.attr(name, 9)
	if a == nil || err != nil {
		return nil, err
	}
	return a.strings, nil
}
