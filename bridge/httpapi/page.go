package httpapi

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
)

// The live page is one document: style and scripts are put in it, so that it needs a
// single request and nothing from anywhere else. What it shows it asks for once a
// second at /api/ml/status; without scripts it shows what the template wrote.
//
//go:embed page
var pageFiles embed.FS

var (
	pageTemplate = template.Must(template.New("page").Parse(pagePart("index.html")))
	pageStyle    = pagePart("style.css")
	pageScript   = pagePart("format.js") + pagePart("chart.js") + pagePart("duels.js") + pagePart("cards.js") + pagePart("actions.js") + pagePart("live.js")
)

func pagePart(name string) string {
	text, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		panic(err) // it is compiled in
	}
	return string(text)
}

// pagePolicy forbids the page everything but the style and the script it carries,
// named by their hashes, and asking this very server: no other hosts, no frames
// around it, no forms.
var pagePolicy = "default-src 'none'; style-src '" + hashOf(pageStyle) + "'; script-src '" + hashOf(pageScript) +
	"'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// page shows what the bridge is doing.
func (x *exchange) page() {
	view := struct {
		plain
		Style  template.CSS
		Script template.JS
	}{plainOf(x.cfg.Health(), x.cfg.Status), template.CSS(pageStyle), template.JS(pageScript)}
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
