package schema

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"testing"
)

// The dashboard can be imported as it is, into any Grafana: it has a place of its own and
// nobody's number, asks whichever Prometheus is chosen in it, uses only variables that it
// has, panels that Grafana 11 has without a plugin, and no place of the grid twice.
func TestDashboardImports(t *testing.T) {
	var d map[string]any
	if err := json.Unmarshal(read(t, "../monitoring/dashboard.json"), &d); err != nil {
		t.Fatal(err)
	}
	if uid, _ := d["uid"].(string); !regexp.MustCompile(`^[a-zA-Z0-9_-]{1,40}$`).MatchString(uid) {
		t.Errorf("uid %q", uid)
	}
	// "id" is a row of somebody's database; "__inputs" and "__requires" are of an export for
	// sharing, and are not looked at where files are provisioned.
	for _, name := range []string{"id", "__inputs", "__requires", "__elements", "gnetId"} {
		if v, ok := d[name]; ok && v != nil {
			t.Errorf("%s is %v", name, v)
		}
	}
	if v, _ := d["schemaVersion"].(float64); v < 36 || v > 41 { // 36: data sources are objects; 42: the second kind of dashboards
		t.Errorf("schemaVersion %v", d["schemaVersion"])
	}
	variables := map[string]string{} // by name, the type
	for _, v := range list(d["templating"], "list") {
		variables[v["name"].(string)] = v["type"].(string)
	}
	if variables["datasource"] != "datasource" {
		t.Errorf("variables %v: none for the data source", variables)
	}
	eachObject(d, func(o map[string]any) {
		if source, ok := o["datasource"].(map[string]any); ok && (source["uid"] != "${datasource}" || source["type"] != "prometheus") {
			t.Errorf("a data source of somebody's: %v", source)
		}
		if source, ok := o["datasource"].(string); ok {
			t.Errorf("a data source by name: %s", source)
		}
		for _, name := range slices.Sorted(maps.Keys(o)) {
			text, _ := o[name].(string)
			for _, m := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(text, -1) {
				if _, ok := variables[m[1]]; !ok && m[1] != "__rate_interval" && m[1] != "__all" {
					t.Errorf("%s: there is no variable %s", text, m[1])
				}
			}
		}
	})
	var grid [200][24]string
	for _, p := range list(d, "panels") {
		title, kind := p["title"].(string), p["type"].(string)
		if !slices.Contains([]string{"row", "stat", "timeseries"}, kind) {
			t.Errorf("%s is a %s", title, kind)
		}
		if _, ok := p["datasource"]; ok == (kind == "row") {
			t.Errorf("%s, a %s, has a data source: %v", title, kind, ok)
		}
		at := p["gridPos"].(map[string]any)
		x, y, w, h := int(at["x"].(float64)), int(at["y"].(float64)), int(at["w"].(float64)), int(at["h"].(float64))
		if x < 0 || x+w > 24 || w < 1 || h < 1 || y < 0 || y+h > len(grid) {
			t.Fatalf("%s is at %v", title, at)
		}
		for i := y; i < y+h; i++ {
			for j := x; j < x+w; j++ {
				if grid[i][j] != "" {
					t.Fatalf("%s lies on %s", title, grid[i][j])
				}
				grid[i][j] = title
			}
		}
	}
}

// list gives the objects of a list in an object.
func list(v any, name string) (out []map[string]any) {
	o, _ := v.(map[string]any)
	all, _ := o[name].([]any)
	for _, e := range all {
		out = append(out, e.(map[string]any))
	}
	return out
}

func eachObject(v any, visit func(o map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, e := range v {
			eachObject(e, visit)
		}
	case []any:
		for _, e := range v {
			eachObject(e, visit)
		}
	}
}
