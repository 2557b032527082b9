package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/mlbridge/mlbridge/ipc"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// pagePolicy forbids the page everything but the style it carries, named by its
// hash: no scripts, no other hosts, no frames around it.
var pagePolicy = "default-src 'none'; style-src '" + styleHash(pageText) +
	"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func styleHash(page string) string {
	_, rest, _ := strings.Cut(page, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// pageModel is one row of the page's table.
type pageModel struct{ Kind, Name string }

// page shows the state of health to people, from the same values as /health.
func (x *exchange) page() {
	h := x.cfg.Health()
	view := struct {
		Health
		Status string
		Models []pageModel
	}{Health: h, Status: h.Status()}
	for _, k := range ipc.Kinds {
		view.Models = append(view.Models, pageModel{k.String(), h.Models[k]})
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, &view); err != nil {
		x.failError(err)
		return
	}
	head := x.w.Header()
	head.Set("Content-Security-Policy", pagePolicy)
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("X-Frame-Options", "DENY")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	x.send(http.StatusOK, "text/html; charset=utf-8", out.Bytes())
}
