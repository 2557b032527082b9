package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/mlbridge/mlbridge/cmd/internal/admin"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// modelsCmd is the command models. It talks to a running mld on its admin socket; with
// --models it works on the folder, and an mld that serves it sees that within a second
// or two.
type modelsCmd struct {
	List     listCmd     `cmd:"" help:"List the models of the folder: what each is for, whether it is valid, how long it takes."`
	Validate validateCmd `cmd:"" help:"Try the models of a folder on recorded questions, without serving them; exit status 1 when one is not valid."`
	Promote  promoteCmd  `cmd:"" help:"Let a model serve."`
	Rollback rollbackCmd `cmd:"" help:"Take the model of a kind that serves out of service: the one before it serves again."`
	Try      tryCmd      `cmd:"" help:"Try a model beside the one that serves: in the shadow, asked and scored but not given, or on a share of the agents."`
	Stop     stopCmd     `cmd:"" help:"Neither serve nor try a model."`
}

type (
	listCmd     struct{ JSON bool }
	validateCmd struct {
		Dir string `arg:"" type:"existingdir" help:"Folder with manifests and models."`
	}
	promoteCmd struct {
		Model string `arg:"" help:"name@version"`
	}
	rollbackCmd struct {
		Kind string `arg:"" help:"workload, threat, failure or memory" enum:"workload,threat,failure,memory"`
	}
	tryCmd struct {
		Model string  `arg:"" help:"name@version"`
		Share float64 `help:"Share of the agents or components that it answers; 0: none, it is asked in the shadow." default:"0"`
	}
	stopCmd struct {
		Model string `arg:"" help:"name@version"`
	}
)

// desk is where the models are looked after: a folder, or a running mld.
type desk struct {
	folder *registry.Folder
	http   *http.Client
	socket string
}

func newDesk(p *cli.Parsed) (*desk, error) {
	if dir := p.Setting("models"); dir != "" {
		return &desk{folder: registry.Dir(dir)}, nil
	}
	socket := p.Setting("admin")
	if socket == "" {
		var err error
		if socket, err = ipc.PlaceSocket("mld-admin.sock"); err != nil {
			return nil, err
		}
	}
	return &desk{http: admin.Client(socket), socket: socket}, nil
}

// ask asks a running mld.
func (d *desk) ask(method, path string, query url.Values) (modelsView, error) {
	var v modelsView
	req, err := http.NewRequest(method, "http://admin/models"+path+"?"+query.Encode(), nil)
	if err != nil {
		return v, err
	}
	resp, err := d.http.Do(req)
	if err != nil {
		return v, fmt.Errorf("no mld answers on %s: start it, name its socket with --admin, or the folder with --models (%w)", d.socket, err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&v); err != nil {
		return v, fmt.Errorf("mld's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return v, errors.New(v.Error)
	}
	return v, nil
}

// Run is called by kong.
func (l *listCmd) Run(p *cli.Parsed) error {
	d, err := newDesk(p)
	if err != nil {
		return err
	}
	var v modelsView
	if d.folder != nil {
		v.Models, err = d.folder.List()
	} else {
		v, err = d.ask("GET", "", nil)
	}
	if err != nil {
		return cli.Failure{Err: err}
	}
	if l.JSON {
		return json.NewEncoder(os.Stdout).Encode(v)
	}
	return printModels(v)
}

func printModels(v modelsView) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tMODEL\tROLE\tVALID\tONE\tOF MANY\tFILE")
	for _, m := range v.Models {
		role, valid := m.Role, "yes"
		if m.Share > 0 {
			role += " " + strconv.FormatFloat(m.Share, 'g', 3, 64)
		}
		if !m.Valid {
			valid = "no: " + m.Error
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%v\t%v\t%s\n", m.Kind, m.Model, role, valid, m.Single, m.PerItem, m.File)
	}
	for _, k := range ipc.Kinds {
		if s, ok := v.Serving[k.String()]; ok {
			fmt.Fprintf(w, "\n%s\t%s\tserves, from %s", k, s.Model, s.From)
			if s.Problem != "" {
				fmt.Fprintf(w, "\n\t\tnot replaced: %s", s.Problem)
			}
		}
	}
	fmt.Fprintln(w)
	return w.Flush()
}

// Run is called by kong.
func (c *validateCmd) Run() error {
	list, err := registry.Dir(c.Dir).List()
	if err != nil {
		return cli.Failure{Err: err}
	}
	var bad []error
	for _, m := range list {
		if !m.Valid {
			bad = append(bad, fmt.Errorf("%s %s: %s", m.Kind, m.Model, m.Error))
		}
	}
	if err := printModels(modelsView{Models: list}); err != nil {
		return err
	}
	if len(bad) > 0 {
		return cli.Failure{Err: errors.Join(bad...)}
	}
	return nil
}

// change does something about the models, in the folder or through mld.
func change(p *cli.Parsed, path string, query url.Values, do func(*registry.Folder) error) error {
	d, err := newDesk(p)
	if err != nil {
		return err
	}
	if d.folder != nil {
		if err = do(d.folder); err == nil {
			err = d.folder.Unwritten()
		}
	} else {
		_, err = d.ask("POST", path, query)
	}
	if err != nil {
		return cli.Failure{Err: err}
	}
	return nil
}

// Run is called by kong.
func (c *promoteCmd) Run(p *cli.Parsed) error {
	return change(p, "/promote", url.Values{"model": {c.Model}}, func(f *registry.Folder) error { return f.Promote(c.Model) })
}

// Run is called by kong.
func (c *rollbackCmd) Run(p *cli.Parsed) error {
	k, err := ipc.ParseKind(c.Kind)
	if err != nil {
		return err
	}
	return change(p, "/rollback", url.Values{"kind": {c.Kind}}, func(f *registry.Folder) error {
		_, err := f.Rollback(k)
		return err
	})
}

// Run is called by kong.
func (c *tryCmd) Run(p *cli.Parsed) error {
	share := strconv.FormatFloat(c.Share, 'g', -1, 64)
	return change(p, "/try", url.Values{"model": {c.Model}, "share": {share}}, func(f *registry.Folder) error { return f.Try(c.Model, c.Share) })
}

// Run is called by kong.
func (c *stopCmd) Run(p *cli.Parsed) error {
	return change(p, "/stop", url.Values{"model": {c.Model}}, func(f *registry.Folder) error { return f.Stop(c.Model) })
}
