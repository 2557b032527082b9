package main

import (
	"fmt"

	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/daemon/registry"
)

// modelFiles is what the operator's page shows of the models' folder, with what may be
// done about each; nil where nothing is known of any.
func (p *process) modelFiles() *status.ModelFiles {
	if p.keeper == nil {
		return nil
	}
	v := p.modelView()
	files := &status.ModelFiles{Folder: v.Folder, Problem: v.Error, Models: []status.ModelFile{}}
	for _, m := range v.Models {
		files.Models = append(files.Models, status.ModelFile{
			Kind: m.Kind, Model: m.Model, File: m.File, Role: m.Role, Share: m.Share,
			Problem: m.Error, Single: int64(m.Single), Actions: modelActions(&m, v.Serving[m.Kind].Model),
		})
	}
	return files
}

// modelActions are what may be decided about a model, beside the one that serves.
func modelActions(m *registry.Listed, serving string) []status.Action {
	list := []status.Action{}
	add := func(name string, x modeldesk.Decision, format string, args ...any) {
		list = append(list, status.Action{Path: x.Path(), Name: name, Help: fmt.Sprintf(format, args...)})
	}
	if m.Role == registry.RoleServing {
		add("Roll back", modeldesk.Decision{What: modeldesk.Rollback, Kind: m.Kind},
			"%s goes out of service, and does not come back by itself; the %s model before it serves again", m.Model, m.Kind)
		return list
	}
	if !m.Valid {
		return list
	}
	add("Promote", modeldesk.Decision{What: modeldesk.Promote, Model: m.Model},
		"%s answers %s questions from the next call on, in the place of %s", m.Model, m.Kind, serving)
	switch m.Role {
	case models.RoleShadow, models.RoleShare:
		add("Stop", modeldesk.Decision{What: modeldesk.Stop, Model: m.Model}, "%s is not tried any longer", m.Model)
	default:
		add("Try", modeldesk.Decision{What: modeldesk.Try, Model: m.Model},
			"%s is asked beside %s and judged on the outcomes; nobody gets its answers", m.Model, serving)
	}
	return list
}
