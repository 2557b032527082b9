package httpapi

import (
	_ "embed"
	"net/http"
)

// openapiDocument describes this API; the tests compare the two.
//
//go:embed openapi.json
var openapiDocument []byte

func (x *exchange) openapi() {
	x.send(http.StatusOK, "application/json", openapiDocument)
}
