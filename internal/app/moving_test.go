package app

import (
	"strings"
	"testing"

	"crier/federation"
)

// TestFormerWithoutDaemon: whoever has named the former account is told to start the daemon, and nothing else.
func TestFormerWithoutDaemon(t *testing.T) {
	for dir, want := range map[string]string{"": "name its data directory", "/srv/data-old": "the daemon is needed"} {
		_, err := new(core).moving(mover{server: new(federation.Server)}, dir).Status(true)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("former = %q: %v", dir, err)
		}
		if dir != "" && err != nil && strings.Contains(err.Error(), "data directory") {
			t.Errorf("it is named: %v", err)
		}
	}
}
