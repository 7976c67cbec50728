package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// healthTimeout is shorter than what containers allow a health check by default (30 s), and long for a
// server on the same computer.
const healthTimeout = 4 * time.Second

func healthcheckCommand() command {
	return command{
		use: "healthcheck", short: "Ask the daemon whether it is ready (for containers)",
		long: `Asks the running daemon for /readyz, at the address in DATA_DIR/addr (else at the
configured listen address), and exits 0 when the answer is 200, else 1.`,
		run: func(ctx context.Context, e *env, _ []string) error {
			cfg, _, err := e.loadConfig()
			if err != nil {
				return err
			}
			addr := cfg.Listen
			if b, err := os.ReadFile(filepath.Join(cfg.DataDir, "addr")); err == nil {
				addr = strings.TrimSpace(string(b))
			}
			return askReady(ctx, addr)
		},
	}
}

func askReady(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	url := "http://" + dialable(addr) + "/readyz"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask the daemon: %w", err)
	}
	client := &http.Client{
		Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true},
		// The daemon sends nobody elsewhere; if somebody else has its port, their answer is a no.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the daemon does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the daemon is not ready: %s answered %s", url, resp.Status)
	}
	return nil
}

// dialable turns an address that a server listens on into one that a client can ask: "every address of
// this computer" becomes its loopback. Go listens on [::] for IPv4 too.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}
