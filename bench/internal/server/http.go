package server

import (
	"encoding/json"
	"net"
	"net/http"

	"github.com/valyala/fasthttp"

	"github.com/mlbridge/mlbridge/bench/internal/payload"
)

// Path is where both HTTP peers and the origin answer, the same as ml-bridge's.
const Path = "/api/ml/predict/workload"

func answerJSON(q *payload.Request) *payload.Reply {
	return &payload.Reply{Success: true, Prediction: &payload.Prediction{
		PredictionID: 1<<60 + lastID.Add(1), Source: "cache", AgeNs: 1 << 30, Model: model,
		PredictedCPU: q.CurrentCPU, PredictedMemory: q.CurrentMemory, PredictedGPU: q.CurrentGPU, Confidence: 0.75,
	}}
}

func serveNetHTTP(ln net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, func(w http.ResponseWriter, r *http.Request) {
		var q payload.Request
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answerJSON(&q)) // the client went away
	})
	return (&http.Server{Handler: mux}).Serve(ln)
}

func serveFastHTTP(ln net.Listener) error {
	s := &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		var q payload.Request
		if err := json.Unmarshal(ctx.PostBody(), &q); err != nil {
			ctx.Error(err.Error(), fasthttp.StatusBadRequest)
			return
		}
		body, err := json.Marshal(answerJSON(&q))
		if err != nil {
			ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
			return
		}
		ctx.SetContentType("application/json")
		ctx.SetBody(body)
	}}
	return s.Serve(ln)
}
