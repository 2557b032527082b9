package tracing

import (
	"fmt"
	"net/url"
)

// endpointURL checks the collector's address and adds the path that OTLP has for traces.
func endpointURL(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", fmt.Errorf("--trace: %q is no URL of a collector, such as http://127.0.0.1:4318", endpoint)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}

// Check reports what is wrong with the flags --trace, which may be "" for none, and
// --trace-share.
func Check(endpoint string, share float64) error {
	if !(share >= 0 && share <= 1) {
		return fmt.Errorf("--trace-share: %v is outside 0..1", share)
	}
	if endpoint == "" {
		return nil
	}
	_, err := endpointURL(endpoint)
	return err
}
