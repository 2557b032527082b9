package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/mlbridge/mlbridge/ipc"
)

// getJSON asks url and decodes what it says, whatever the status.
func getJSON(ctx context.Context, c *http.Client, url string, into any) (code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(into)
}

// mld looks at the daemon and its models.
func (h *Host) mld(ctx context.Context) []Finding {
	const area = "mld"
	if h.Daemon == nil {
		return []Finding{good(area, "not needed: the models are in the bridge (--models)")}
	}
	client, base := h.Daemon(ctx)
	defer client.CloseIdleConnections()
	var health struct {
		Status, Version string
		Models          map[string]struct{ Status, Model, Error string }
	}
	switch code, err := getJSON(ctx, client, base+"/health", &health); {
	case err != nil && code != 0:
		return []Finding{found(area, Warning, "Rules answer meanwhile. Is --upstream right?", "what answers at %s is no mld: /health has status %d and is not its JSON%s: %v", base, code, unless(h.asked), err)}
	case errors.Is(err, fs.ErrPermission):
		return []Finding{found(area, Warning, "Be in the socket's group (usermod -aG mlbridge USER, and log in again), or run doctor as root.", "this user may not ask mld%s: %v", unless(h.asked), err)}
	case err != nil:
		return []Finding{found(area, Warning, "Rules answer meanwhile. "+h.seeWhy("mld")+" Is --upstream right?", "mld does not answer%s: %v", unless(h.asked), err)}
	}
	var out []Finding
	if health.Status == "healthy" {
		out = append(out, good(area, "version %s is healthy", health.Version))
	} else {
		out = append(out, found(area, Warning, "The models below say why.", "version %s is %s", health.Version, health.Status))
	}
	said := make(map[string]bool) // a folder that cannot be read is wrong with every kind
	for _, k := range ipc.Kinds {
		m := health.Models[k.String()]
		fault := strings.Replace(m.Error, k.String(), "", 1)
		if m.Error != "" && m.Model != "" && said[fault] {
			out = append(out, good("models", "%v: %s, kept for the same reason", k, m.Model))
			continue
		}
		said[fault] = true
		switch {
		case m.Model == "":
			out = append(out, found("models", Warning, "The rule answers. Look at the manifests in the models' folder (mld --models), as mld does once a second.", "%v: no model: %s", k, m.Error))
		case m.Status != "healthy":
			out = append(out, found("models", Warning, "Mend or remove what is named; mld sees it within two seconds. "+m.Model+" serves meanwhile. After a restart a good model of the folder does, and the built-in one where it has none or cannot be read.", "%v: %s serves; not taken from the folder: %s", k, m.Model, m.Error))
		default:
			out = append(out, good("models", "%v: %s", k, m.Model))
		}
	}
	return out
}
