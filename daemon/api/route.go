package api

import "github.com/mlbridge/mlbridge/ipc"

// Routes of mld. Predictions are posted to [PredictPath].
const (
	PathMetricsJSON  = "/api/ml/metrics" // also with /<kind> behind it
	PathMetricsReset = "/api/ml/metrics/reset"
	PathCacheStats   = "/api/ml/cache/stats"
	PathCacheClear   = "/api/ml/cache/clear"
	PathHealth       = "/health"
	PathLive         = "/livez"
	PathReady        = "/readyz"
	PathPrometheus   = "/metrics"

	pathPredict = "/api/ml/predict/"
)

// Limits of one call.
const (
	MaxBodyBytes = 4 << 20 // longer bodies are refused unread with 413
	MaxBatch     = 256     // slots of one batch
)

// predictPaths spares the hot path from building strings: [kind][0 single, 1 batch].
var predictPaths = func() (paths [len(ipc.Kinds) + 1][2]string) {
	for _, k := range ipc.Kinds {
		paths[k] = [2]string{pathPredict + k.String(), pathPredict + k.String() + "/batch"}
	}
	return paths
}()

// PredictPath gives the route of predictions of kind k, "" when k is no kind.
func PredictPath(k ipc.Kind, batch bool) string {
	switch {
	case !k.Valid():
		return ""
	case batch:
		return predictPaths[k][1]
	}
	return predictPaths[k][0]
}
