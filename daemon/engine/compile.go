package engine

import "fmt"

// Operator set versions whose meaning was checked against the kernels here.
// Before 7 broadcasting worked by attribute. Beyond the upper ends a version
// may redefine an operator, so a newer file is refused until someone looks.
const (
	minOpset, maxOpset     = 7, 26
	minMLOpset, maxMLOpset = 1, 5
	mlDomain               = "ai.onnx.ml"
)

// kernel is one compiled step of a model: it reads and writes buffers of the
// session's memory for rows 0..n-1. Kernels are immutable and shared by all
// sessions. run cannot fail: every shape was settled at load.
type kernel interface {
	run(m *memory, n int)
}

// step is a kernel with what the planner must know about it.
type step struct {
	kernel
	reads, writes []*buffer
	inPlace       bool // writes[0] may share reads[0]'s memory
}

// value is what a name in the graph stands for: a constant of the file, or a
// tensor with one row per input row, [N, width] (rank 2) or [N] (rank 1).
// Reshape-like operators make several values share a buffer.
type value struct {
	name  string
	konst *tensor
	buf   *buffer
	rank  int
	isInt bool // labels and indices, kept as float32
}

func (v *value) width() int { return v.buf.width }

// compiler turns a graph into steps, in the order of the file.
type compiler struct {
	q      *quota
	opsets map[string]int64
	batch  int64 // batch size fixed in the file, or -1
	values map[string]*value
	uses   map[string]int // consumers among live nodes and graph outputs
	steps  []step
}

// compileModel checks the graph and compiles what its outputs depend on. Nodes
// that no output depends on never run and are not required to be supported.
func compileModel(p *modelProto, q *quota) (*Model, error) {
	if v := p.opsets[""]; v != 0 && (v < minOpset || v > maxOpset) {
		return nil, unsupported("ai.onnx opset %d, want %d to %d", v, minOpset, maxOpset)
	}
	if v := p.opsets[mlDomain]; v != 0 && (v < minMLOpset || v > maxMLOpset) {
		return nil, unsupported("ai.onnx.ml opset %d, want %d to %d", v, minMLOpset, maxMLOpset)
	}
	c := &compiler{q: q, opsets: p.opsets, values: map[string]*value{}}
	for _, t := range p.graph.tensors {
		if t.name == "" || c.values[t.name] != nil {
			return nil, malformed("initialiser %s without a name of its own", quote(t.name))
		}
		c.values[t.name] = &value{name: t.name, konst: t}
	}
	in, err := c.input(p.graph.inputs)
	if err != nil {
		return nil, err
	}
	live, err := c.liveNodes(p.graph)
	if err != nil {
		return nil, err
	}
	for i, n := range p.graph.nodes {
		if !live[i] {
			continue
		}
		if err := c.node(n); err != nil {
			return nil, at(n, err)
		}
	}
	return c.finish(p, in)
}

// at says which node an error is about.
func at(n *nodeProto, err error) error { return fmt.Errorf("%s: %w", n, err) }

// input finds the one row input. Old files list initialisers as inputs too.
func (c *compiler) input(ins []valueProto) (*value, error) {
	var in *value
	for _, p := range ins {
		if v := c.values[p.name]; v != nil && v.konst != nil {
			continue
		}
		if in != nil {
			return nil, unsupported("a second input %s beside %s", quote(p.name), quote(in.name))
		}
		if p.elem != typeFloat && p.elem != typeDouble {
			return nil, unsupported("input %s of element type %d, want float", quote(p.name), p.elem)
		}
		if len(p.dims) != 2 || p.dims[1] < 1 {
			return nil, unsupported("input %s of shape %v, want [batch, features]", quote(p.name), p.dims)
		}
		if p.dims[1] > int64(c.q.lim.Width) {
			return nil, tooMany("values per row", c.q.lim.Width)
		}
		c.batch = p.dims[0]
		in = &value{name: p.name, rank: 2, buf: &buffer{width: int(p.dims[1]), input: true}}
	}
	if in == nil || in.name == "" {
		return nil, malformed("no input")
	}
	c.values[in.name] = in
	return in, nil
}

// liveNodes walks back from the outputs, counts consumers, and refuses names
// that are defined twice or used before they are defined. The latter covers
// cycles: ONNX requires nodes in topological order.
func (c *compiler) liveNodes(g *graphProto) ([]bool, error) {
	producer := map[string]int{}
	for i, n := range g.nodes {
		for _, name := range n.in {
			if _, made := producer[name]; !made && c.values[name] == nil && name != "" {
				return nil, at(n, malformed("input %s is not defined before it (missing, unsorted or a cycle)", quote(name)))
			}
		}
		for _, name := range n.out {
			if _, twice := producer[name]; name != "" && (twice || c.values[name] != nil) {
				return nil, at(n, malformed("output %s is already defined", quote(name)))
			}
			if name != "" {
				producer[name] = i
			}
		}
	}
	c.uses = map[string]int{}
	live := make([]bool, len(g.nodes))
	for _, o := range g.outputs {
		c.uses[o.name]++
		if i, ok := producer[o.name]; ok {
			live[i] = true
		}
	}
	for i := len(g.nodes) - 1; i >= 0; i-- {
		if !live[i] {
			continue
		}
		for _, name := range g.nodes[i].in {
			c.uses[name]++
			if p, ok := producer[name]; ok {
				live[p] = true
			}
		}
	}
	return live, nil
}

// node compiles one node through the operator table.
func (c *compiler) node(n *nodeProto) error {
	compile := operators[opName{n.domain, n.op}]
	if compile == nil {
		return unsupported("not in the engine's subset")
	}
	if c.opsets[n.domain] == 0 {
		return malformed("no opset_import for domain %s", quote(n.domain))
	}
	a := &args{c: c, n: n, opset: c.opsets[n.domain]}
	for _, name := range n.in {
		a.in = append(a.in, c.values[name]) // nil for an omitted optional input
	}
	if len(n.out) == 0 {
		return malformed("no outputs")
	}
	if err := compile(a); err != nil {
		return err
	}
	for _, name := range n.out {
		if c.uses[name] > 0 && name != "" && c.values[name] == nil {
			return unsupported("its output %s", quote(name))
		}
	}
	return nil
}

// finish resolves the graph's outputs, plans the buffers and seals the model.
func (c *compiler) finish(p *modelProto, in *value) (*Model, error) {
	if len(p.graph.outputs) == 0 {
		return nil, malformed("no outputs")
	}
	m := &Model{features: in.width(), metadata: p.metadata}
	taken := map[*buffer]bool{in.buf: true}
	names := map[string]bool{}
	for _, o := range p.graph.outputs {
		v := c.values[o.name]
		if v == nil || names[o.name] {
			return nil, malformed("output %s is undefined or listed twice", quote(o.name))
		}
		names[o.name] = true
		if v.konst != nil {
			return nil, unsupported("output %s is a constant", quote(o.name))
		}
		// An output owns its buffer, so that callers may read one while the
		// input or another output of the same name chain changes.
		if taken[v.buf] {
			v = c.emitCopy(v)
		}
		taken[v.buf] = true
		v.buf.pinned = true
		m.outputs = append(m.outputs, Output{Name: o.name, Width: v.width()})
		m.results = append(m.results, v.buf)
	}
	m.steps = withExperts(c.steps, in.buf)
	if m.slots = plan(apart(m.steps)); sum(m.slots) > c.q.lim.RowFloats {
		m.steps, m.slots = c.steps, plan(c.steps) // without the room that experts take
	}
	if sum(m.slots) > c.q.lim.RowFloats {
		return nil, tooMany("scratch numbers per row", c.q.lim.RowFloats)
	}
	for _, s := range c.steps {
		switch k := s.kernel.(type) {
		case *forest:
			if k.bits != nil {
				m.lanes = max(m.lanes, len(k.bits.columns))
			}
		case *gemm:
			k.findTerms()
		}
	}
	return m, nil
}

func sum(s []int) int {
	total := 0
	for _, v := range s {
		total += v
	}
	return total
}
