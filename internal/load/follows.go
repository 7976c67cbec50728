package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// crowd are actors on hosts of their own who follow.
type crowd struct {
	hosts *hosts
	ring  *ring

	fetched  atomic.Int64 // documents
	accepted atomic.Int64 // Accepts
}

func newCrowd(n int) (*crowd, error) {
	r, err := newRing(n)
	if err != nil {
		return nil, err
	}
	h, err := newHosts("")
	if err != nil {
		return nil, err
	}
	c := &crowd{hosts: h, ring: r}
	h.server.Handler = c
	return c, nil
}

// ServeHTTP answers for every actor, and takes every Accept.
func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		c.accepted.Add(1)
		return
	}
	c.fetched.Add(1)
	id := "http://" + r.Host + r.URL.Path
	w.Header().Set("Content-Type", "application/activity+json")
	fmt.Fprintf(w, `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"],"id":%q,"type":"Person","preferredUsername":"u","inbox":%q,"publicKey":{"id":%q,"owner":%q,"publicKeyPem":%q}}`,
		id, id+"/inbox", id+"#main-key", id, c.ring.pems[c.hosts.number(r)])
}

// signed is an activity of the actor with that number, ready to be sent to an address.
func (c *crowd) signed(n int, text, address string) (*http.Request, error) {
	digest := sha256.Sum256([]byte(text))
	req, err := http.NewRequest(http.MethodPost, "http://"+address+"/users/user/inbox", bytes.NewReader([]byte(text)))
	if err != nil {
		return nil, err
	}
	req.Host = strings.TrimPrefix(baseURL, "http://")
	req.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	req.Header.Set("Content-Type", "application/activity+json")
	req.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(digest[:]))
	signature, err := sign(c.ring.keys[n], signedText(req))
	req.Header.Set("Signature", `keyId="`+c.hosts.actor(n)+`#main-key",algorithm="rsa-sha256",headers="(request-target) host date digest",signature="`+signature+`"`)
	return req, err
}

// follows are the Follows of n actors.
func (c *crowd) follows(address string, n, round int) (requests []*http.Request, err error) {
	for i := range n {
		actor := c.hosts.actor(i)
		text := fmt.Sprintf(`{"@context":"https://www.w3.org/ns/activitystreams","id":"%s/follows/%d","type":"Follow","actor":%q,"object":%q}`, actor, round, actor, baseURL+"/users/user")
		req, err := c.signed(i, text, address)
		if err != nil {
			return nil, err
		}
		requests = append(requests, req)
	}
	return requests, nil
}

// followed is what came of n Follows.
type followed struct {
	rate    float64 // answered with 202, and the Accept arrived, a second
	fetched int64
	cpu     time.Duration // of one, in the process that they were sent to
}

// follow has n actors follow, 8 at a time, and waits for their Accepts.
func (c *crowd) follow(ctx context.Context, d *daemon, n, round int) (f followed, err error) {
	requests, err := c.follows(d.address, n, round)
	if err != nil {
		return f, err
	}
	fetched, accepted := c.fetched.Load(), c.accepted.Load()
	before, err := cpu(d.cmd.Process.Pid)
	if err != nil {
		return f, err
	}
	began := time.Now()
	if _, err := sendAll(requests, http.StatusAccepted); err != nil {
		return f, err
	}
	for c.accepted.Load() < accepted+int64(n) {
		if time.Since(began) > time.Minute || ctx.Err() != nil {
			return f, fmt.Errorf("%d of %d Accepts have come", c.accepted.Load()-accepted, n)
		}
		time.Sleep(time.Millisecond)
	}
	f.rate = float64(n) / time.Since(began).Seconds()
	f.fetched = c.fetched.Load() - fetched
	after, err := cpu(d.cmd.Process.Pid)
	f.cpu = (after - before) / time.Duration(n)
	return f, err
}

// sendAll sends requests, 8 at a time over connections that are kept, and returns what that took. Any other answer
// than the one wanted is an error.
func sendAll(requests []*http.Request, want int) (time.Duration, error) {
	queue := make(chan *http.Request, len(requests))
	for _, r := range requests {
		queue <- r
	}
	close(queue)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	var refused atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range 8 {
		wg.Go(func() {
			for req := range queue {
				resp, err := client.Do(req)
				if err != nil || resp.StatusCode != want {
					refused.Add(1)
				}
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	if refused.Load() > 0 {
		return 0, fmt.Errorf("%d of %d activities were answered otherwise than with %d", refused.Load(), len(requests), want)
	}
	return took, nil
}

// measureFollows has actors follow, and then follow again; and the same with a bare inbox.
func measureFollows(ctx context.Context, b *bench) (string, error) {
	const n = 2000
	c, err := newCrowd(n)
	if err != nil {
		return "", err
	}
	defer c.hosts.close()
	d, err := b.newDaemon(nil)
	if err != nil {
		return "", err
	}
	if err := d.start(ctx); err != nil {
		return "", err
	}
	defer d.stop()
	bare, err := b.bareDaemon(ctx)
	if err != nil {
		return "", err
	}
	defer bare.stop()
	var said []string
	for round, name := range []string{"follow.new", "follow.known"} {
		ours, err := c.follow(ctx, d, n, round)
		if err != nil {
			return "", err
		}
		floor, err := c.follow(ctx, bare, n, round)
		if err != nil {
			return "", fmt.Errorf("the bare inbox: %w", err)
		}
		said = append(said, fmt.Sprintf("%s %.0f/s with %d fetches, bare %.0f/s; CPU of one %v, bare %v",
			name, ours.rate, ours.fetched, floor.rate, ours.cpu, floor.cpu))
	}
	return strings.Join(said, "; "), nil
}
