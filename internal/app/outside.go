package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"crier/internal/config"
	"crier/internal/netguard"
)

const (
	outsideTimeout = 5 * time.Second
	outsideMax     = 1 << 20 // bytes of an actor document that are read
)

// lookOutside asks the account's own public address, before a first key is made, whether the account is
// there already. An answer with a key means that the data directory was lost: a new key would cost
// followers (GoToSocial refuses an actor whose key changed), so the owner must insist. Anything else, no
// network included, means that there is nothing to lose.
func (i identity) lookOutside(ctx context.Context) error {
	if i.insist || i.isOwnListener() {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, outsideTimeout)
	defer cancel()
	actor := actorURL(i.cfg)
	found, err := i.fetchKey(bounded, actor)
	if ctx.Err() != nil {
		return fmt.Errorf("look whether %s is there already: %w", actor, ctx.Err())
	}
	if err != nil {
		i.log.Debug("no account is seen outside", "actor", actor, "err", err)
	}
	if !found {
		return nil
	}
	return fmt.Errorf("%s already shows an account with a key, but the store in %s is new: "+
		"if the data directory was lost or is not mounted, put it back from a backup; "+
		"to start over with a new key (GoToSocial servers will not accept it from a known account), "+
		"run `crier serve --new-identity`", actor, i.cfg.DataDir)
}

// isOwnListener reports whether our public address leads to a socket that this process has bound but does
// not serve yet: asking it would only wait.
func (i identity) isOwnListener() bool {
	if i.ownAddr == "" {
		return false
	}
	u, err := url.Parse(i.cfg.BaseURL)
	if err != nil {
		return false
	}
	target := u.Host
	if to, ok := i.cfg.Network.Resolve[u.Host]; ok {
		target = to
	} else if to, ok := i.cfg.Network.Resolve[u.Hostname()]; ok {
		target = to
	}
	return target == i.ownAddr
}

// fetchKey reports whether the actor document at that address shows a public key.
func (i identity) fetchKey(ctx context.Context, actor string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, actor, nil)
	if err != nil {
		return false, fmt.Errorf("fetch %s: %w", actor, err)
	}
	req.Header.Set("Accept", "application/activity+json")
	req.Header.Set("User-Agent", userAgent(i.cfg, i.version))
	transport := newGuard(i.cfg, "").Transport(toOurselves(i.cfg))
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport,
		// The account is served at its own address (contract); what is elsewhere is not it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return false, fmt.Errorf("fetch %s: %w", actor, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("fetch %s: %s", actor, resp.Status)
	}
	var doc struct {
		PublicKey json.RawMessage `json:"publicKey"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, outsideMax)).Decode(&doc); err != nil {
		return false, fmt.Errorf("read %s: %w", actor, err)
	}
	if !strings.Contains(string(doc.PublicKey), "PUBLIC KEY") {
		return false, errors.New("it shows no key")
	}
	return true, nil
}

// toOurselves lets requests go to our own public address, too, wherever it resolves: behind a proxy in the
// same house that is a private address.
func toOurselves(cfg *config.Config) netguard.TransportOptions {
	o := netguard.TransportOptions{HTTPSOnly: !cfg.Network.AllowHTTP, AllowSelf: true}
	u, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return o
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "http":
		port = "80"
	default:
		port = "443"
	}
	o.Trust = []string{net.JoinHostPort(u.Hostname(), port)}
	return o
}

// newGuard returns the guard for all that goes out. listening is our own address, where it is known.
func newGuard(cfg *config.Config, listening string) *netguard.Guard {
	self := []string{cfg.BaseHost()}
	if host, _, err := net.SplitHostPort(listening); err == nil && host != "" {
		self = append(self, listening)
	}
	return netguard.New(netguard.Config{
		AllowPrivate: cfg.Network.AllowPrivate,
		Resolve:      cfg.Network.Resolve,
		Self:         self,
	})
}
