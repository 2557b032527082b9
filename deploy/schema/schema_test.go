package schema

import (
	"bytes"
	"encoding/json"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The DaemonSet has no field that Kubernetes does not know, its parts fit together, and
// every container is without privileges.
func TestDaemonSet(t *testing.T) {
	text := read(t, "../kubernetes/daemonset.yaml")
	var set appsv1.DaemonSet
	if err := yaml.UnmarshalStrict(text, &set); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(bytes.ReplaceAll(text, []byte("readinessProbe"), []byte("readyProbe")), new(appsv1.DaemonSet)); err == nil {
		t.Error("an unknown field is let through")
	}
	if set.APIVersion != "apps/v1" || set.Kind != "DaemonSet" {
		t.Errorf("it is a %s of %s", set.Kind, set.APIVersion)
	}
	for key, value := range set.Spec.Selector.MatchLabels {
		if set.Spec.Template.Labels[key] != value {
			t.Errorf("the selector's %s=%s is not the pods'", key, value)
		}
	}
	pod := set.Spec.Template.Spec
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s mounts %s, which is no volume", c.Name, m.Name)
			}
		}
		s := c.SecurityContext
		if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
			s.Capabilities == nil || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s has privileges: %+v", c.Name, s)
		}
		checkProbes(t, &c)
		for _, e := range c.Env {
			// Clusters give pods addresses of either family.
			for _, ip := range []string{"192.0.2.7", "2001:db8::7"} {
				if address := strings.ReplaceAll(e.Value, "$(POD_IP)", ip); e.Name == "MLBRIDGE_HTTP" {
					if host, _, err := net.SplitHostPort(address); err != nil || host != ip {
						t.Errorf("%s listens on %s in a pod at %s: %v", c.Name, address, ip, err)
					}
				}
			}
		}
	}
}

func checkProbes(t *testing.T, c *corev1.Container) {
	t.Helper()
	for _, p := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe} {
		if p == nil {
			continue
		}
		port := p.HTTPGet.Port.String()
		found := false
		for _, q := range c.Ports {
			found = found || q.Name == port
		}
		if !found {
			t.Errorf("%s has a probe of the port %s, which it does not have", c.Name, port)
		}
	}
}

// The dashboard is one in Grafana's own terms, panels and queries included.
func TestDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	text := read(t, "../monitoring/dashboard.json")
	d, problems := load(text)
	if problems != "" {
		t.Fatalf("not what Grafana reads:\n%s", problems)
	}
	if err := d.Validate(); err != nil && err.Error() != "" {
		t.Fatal(err)
	}
	if _, problems := load(bytes.Replace(text, []byte(`"refresh"`), []byte(`"refrsh"`), 1)); !strings.Contains(problems, "refrsh") {
		t.Error("an unknown field is let through")
	}
	ids := map[uint32]bool{}
	for _, p := range d.Panels {
		switch {
		case p.RowPanel != nil:
			ids[p.RowPanel.Id] = true
		case p.Panel.Id == nil || ids[*p.Panel.Id]:
			t.Errorf("a panel has no id of its own: %v", *p.Panel.Title)
		default:
			ids[*p.Panel.Id] = true
			if len(p.Panel.Targets) == 0 {
				t.Errorf("%s asks for nothing", *p.Panel.Title)
			}
		}
	}
	if len(ids) < 20 {
		t.Errorf("only %d panels were read", len(ids))
	}
	// Written again by Grafana's types, it is one still.
	again, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if e, problems := load(again); problems != "" || len(e.Panels) != len(d.Panels) {
		t.Errorf("written again by Grafana's types it is another dashboard: %s", problems)
	}
}

// board is a dashboard of the first kind, which every Grafana reads; the second kind is of
// Grafana 12 and later.
//
//lint:ignore SA1019 that there is a later kind does not make this one another
type board = dashboard.Dashboard //nolint:staticcheck

// load reads a dashboard and says what in it Grafana's types do not have, or want and
// miss. Their strict reading gives an error that is never nil and empty where there is
// none, and stops filling in at it: so the content is read once more.
func load(text []byte) (d board, problems string) {
	if err := new(board).UnmarshalJSONStrict(text); err != nil {
		problems = err.Error()
	}
	if err := json.Unmarshal(text, &d); err != nil {
		problems += err.Error()
	}
	return d, problems
}
