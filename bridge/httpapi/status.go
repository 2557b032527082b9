package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/mlbridge/mlbridge/bridge/status"
)

// status answers with everything that the live page shows: health, and the document
// of package status with the samples after ?since= (Unix ms, all without it).
func (x *exchange) status() {
	if x.cfg.Status == nil {
		x.fail(http.StatusNotFound, "status is off")
		return
	}
	since := int64(0)
	if text := x.r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = strconv.ParseInt(text, 10, 64); err != nil || since < 0 {
			x.fail(http.StatusBadRequest, "since "+clip(text)+" is no time in ms since 1970")
			return
		}
	}
	body, err := json.Marshal(struct {
		Health Health `json:"health"`
		status.Document
	}{x.cfg.Health(), x.cfg.Status(since)})
	if err != nil {
		x.failError(err)
		return
	}
	x.json(http.StatusOK, body)
}
