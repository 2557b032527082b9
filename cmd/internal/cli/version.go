package cli

import (
	"runtime"
	"runtime/debug"
)

// release and commit are set by the linker for released builds.
var release, commit = "", ""

// Build is what --version prints: the version, the commit, and what it was built with
// and for.
func Build() string {
	text := Version() + " ("
	if commit != "" {
		text += "commit " + commit[:min(12, len(commit))] + ", "
	}
	return text + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
}

// Version names the build: a release, else the commit it was made from.
func Version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "dev-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "dev"
}
