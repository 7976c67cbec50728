package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"
)

// ErrNoDaemon says that nobody answers on the control socket.
var ErrNoDaemon = errors.New("no daemon is running")

// ErrStreamEnded says that the daemon stopped while its log was followed.
var ErrStreamEnded = errors.New("the daemon stopped")

const (
	dialTimeout = 2 * time.Second // of a socket on this computer
	maxAnswer   = 256 << 20       // a listing of all followers of the largest account that is planned for
)

// Client asks a running daemon. Its methods answer as those of Ops do.
type Client struct {
	http *http.Client
}

// Dial connects to the daemon of that data directory. ErrNoDaemon if there is none; every other error
// means that there may be one which this process cannot reach.
func Dial(dataDir string) (*Client, error) {
	path := SocketPath(dataDir)
	if len(path) > maxSocketPath {
		return nil, ErrNoDaemon // no daemon of ours has a socket with such a name
	}
	conn, err := net.DialTimeout("unix", path, dialTimeout)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, ErrNoDaemon
	}
	if err != nil {
		return nil, fmt.Errorf("open the control socket %s: %w", path, err)
	}
	_ = conn.Close()
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &Client{http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		},
		DisableKeepAlives: true,
	}}}, nil
}

// Status returns the whole state at a glance.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, pathStatus, nil)
}

// Followers lists the followers, newest first.
func (c *Client) Followers(ctx context.Context) ([]Follower, error) {
	return get[[]Follower](ctx, c, pathFollowers, nil)
}

// Log returns lines of the activity log, oldest first.
func (c *Client) Log(ctx context.Context, q LogQuery) ([]LogLine, error) {
	return get[[]LogLine](ctx, c, pathLog, q.values())
}

func (q LogQuery) values() url.Values {
	return url.Values{
		"last":   {strconv.Itoa(q.Last)},
		"after":  {strconv.FormatUint(q.After, 10)},
		"source": {strconv.FormatBool(q.Source)},
	}
}

// FollowLog calls emit for the lines that q asks for and then for each new line, until ctx is done (nil),
// emit fails (its error) or the daemon stops (ErrStreamEnded).
func (c *Client) FollowLog(ctx context.Context, q LogQuery, emit func(LogLine) error) error {
	v := q.values()
	v.Set("follow", "true")
	body, err := c.do(ctx, http.MethodGet, pathLog+"?"+v.Encode(), nil)
	if err != nil {
		return err
	}
	defer body.Close()
	dec := json.NewDecoder(body)
	for {
		var l LogLine
		switch err := dec.Decode(&l); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return ErrStreamEnded
		}
		if err := emit(l); err != nil {
			return err
		}
	}
}

// PollNow polls the feeds, or settles held entries.
func (c *Client) PollNow(ctx context.Context, r PollRequest) (PollResult, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return PollResult{}, fmt.Errorf("encode the request: %w", err)
	}
	return call[PollResult](ctx, c, http.MethodPost, pathPoll, bytes.NewReader(b))
}

// Lookup resolves a handle, an actor or an object.
func (c *Client) Lookup(ctx context.Context, what string) (Found, error) {
	return get[Found](ctx, c, pathLookup, url.Values{"what": {what}})
}

func get[T any](ctx context.Context, c *Client, path string, v url.Values) (T, error) {
	if v != nil {
		path += "?" + v.Encode()
	}
	return call[T](ctx, c, http.MethodGet, path, nil)
}

func call[T any](ctx context.Context, c *Client, method, path string, body io.Reader) (T, error) {
	var out T
	r, err := c.do(ctx, method, path, body)
	if err != nil {
		return out, err
	}
	defer r.Close()
	if err := json.NewDecoder(r).Decode(&out); err != nil {
		return out, fmt.Errorf("read the daemon's answer: %w", err)
	}
	return out, nil
}

// do sends one request; an answer that is an error comes back as one.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://crier"+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the daemon: %w", err)
	}
	limited := struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	if resp.StatusCode == http.StatusOK {
		return limited, nil
	}
	defer resp.Body.Close()
	var f failure
	if err := json.NewDecoder(limited).Decode(&f); err != nil || f.Error == "" {
		return nil, fmt.Errorf("the daemon answered %s; it may be another version: restart it", resp.Status)
	}
	return nil, errors.New(f.Error)
}
