package features

import "github.com/mlbridge/mlbridge/ipc/mlclient/loads"

// putPast writes the columns past_unit … gpu_row of a row of a signal (0 cpu, 1 memory,
// 2 gpu): what the sender knows of the agent's longer past, in units of the window. A past
// of another length than this layout's, or of a window without steps, is none.
func putPast(row, past []float32, unit float64, signal int) {
	r := (*workloadRow)(row)
	way := r[workloadWay:workloadColumns]
	clear(way)
	dst := (*[loads.Width]float32)(r[workloadPast:workloadWay])
	if len(past) != loads.Width || unit == 0 {
		clear(dst[:])
		way[0], way[1+signal] = -1, -1
		return
	}
	way[0], way[1+signal] = 1, 1
	inv := 1 / unit
	p := (*[loads.Width]float32)(past)
	for i, v := range p {
		dst[i] = clip(float64(v)*inv, far)
	}
	dst[0] = float32(log2(1e-6 + float64(max(0, float64(p[0]))*inv)))
	for _, i := range [...]int{3, 4, 5, 24, 25, 26, 27} { // without a measure
		dst[i] = clip(float64(p[i]), far)
	}
}
