package daemon

import (
	_ "embed"

	"github.com/valyala/fasthttp"
)

// PathOpenAPI is where the API describes itself, for programs.
const PathOpenAPI = "/openapi.json"

// openapiDocument describes this API; the tests compare the two.
//
//go:embed openapi.json
var openapiDocument []byte

func (s *Server) openapi(ctx *fasthttp.RequestCtx) {
	sendJSON(ctx, fasthttp.StatusOK, openapiDocument)
}
