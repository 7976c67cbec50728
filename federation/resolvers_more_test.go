package federation

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// askPlain asks at the usual address, with a raw resource.
func (w web) askPlain(host, resource string, redirects int) (foundJRD, error) {
	g, err := w.get("https://"+host+"/.well-known/webfinger?resource="+resource, "application/jrd+json, application/json", redirects)
	if err != nil {
		return foundJRD{}, err
	}
	return g.jrd()
}

// misskeyFind: src/core/WebfingerService.ts, RemoteUserResolveService.ts. In lower case, escaped; the first link of
// the relation, whatever its type; no look at the subject.
func (w web) misskeyFind(handle string) (string, error) {
	handle = strings.ToLower(handle)
	_, host := parts(handle)
	j, err := w.askPlain(host, url.QueryEscape("acct:"+handle), 3)
	if err != nil {
		return "", err
	}
	return j.self(anyType)
}

// sharkeyFind: the same file in Sharkey. Host-meta comes first.
func (w web) sharkeyFind(handle string) (string, error) {
	handle = strings.ToLower(handle)
	_, host := parts(handle)
	if m, err := w.get("https://"+host+"/.well-known/host-meta", "application/xrd+xml", 3); err == nil && m.status == 200 {
		if template, err := lrdd(m.body); err == nil {
			g, err := w.get(strings.ReplaceAll(template, "{uri}", url.QueryEscape("acct:"+handle)), "application/jrd+json, application/json", 3)
			if err != nil {
				return "", err
			}
			j, err := g.jrd()
			if err != nil {
				return "", err
			}
			return j.self(anyType)
		}
	}
	return w.misskeyFind(handle)
}

// lemmyFind: activitypub-federation-rust, src/fetch/webfinger.rs. One redirect; every link of an application type is
// tried, the last one first.
func (w web) lemmyFind(handle string) (string, error) {
	_, host := parts(handle)
	j, err := w.askPlain(host, "acct:"+handle, 1)
	if err != nil {
		return "", err
	}
	for _, l := range slices.Backward(j.Links) {
		if !strings.HasPrefix(l.Type, "application/") {
			continue
		}
		if _, err := w.actor(l.Href); err != nil {
			return "", fmt.Errorf("a link of type %s: %w", l.Type, err) // it would go on, but each such try costs the reader time
		}
		return l.Href, nil
	}
	return "", errors.New("no link is an actor")
}

// fedifyFinger: packages/webfinger/src/lookup.ts. The resource is escaped; fewer than five redirects.
func (w web) fedifyFinger(host, resource string) (foundJRD, error) {
	return w.askPlain(host, url.QueryEscape(resource), 4)
}

func (w web) fedifyFind(handle string) (string, error) {
	_, host := parts(handle)
	j, err := w.fedifyFinger(host, "acct:"+handle)
	if err != nil {
		return "", err
	}
	return j.self(twoTypes)
}

// fedify: packages/vocab/src/actor.ts, getActorHandle. The actor's id is asked for at its own host; a name on another
// host has to list the id among its aliases.
func fedify(w web, a foundActor) (string, error) {
	back, err := w.fedifyFinger(hostname(a.ID), a.ID)
	if err != nil {
		return a.atHome(), nil
	}
	for _, alias := range append([]string{back.Subject}, back.Aliases...) {
		name, ok := strings.CutPrefix(alias, "acct:")
		if !ok {
			continue
		}
		if _, at := parts(name); at != hostname(a.ID) {
			other, err := w.fedifyFinger(at, alias)
			if err != nil || !slices.Contains(other.Aliases, a.ID) {
				continue
			}
		}
		return name, nil
	}
	return a.atHome(), nil
}

// pixelfedFind: app/Util/Webfinger/WebfingerUrl.php, app/Services/WebfingerService.php.
func (w web) pixelfedFind(handle string) (string, error) {
	_, host := parts(handle)
	j, err := w.askPlain(host, "acct:"+handle, 5)
	if err != nil {
		return "", err
	}
	return j.self(twoTypes)
}

// peerTubeFind: server/core/lib/activitypub/actors/webfinger.ts. The first link of the relation.
func (w web) peerTubeFind(handle string) (string, error) {
	_, host := parts(handle)
	j, err := w.askPlain(host, "acct:"+handle, 5)
	if err != nil {
		return "", err
	}
	return j.self(anyType)
}

// wordPressFind: includes/class-webfinger.php. The resource is escaped.
func (w web) wordPressFind(handle string) (string, error) {
	_, host := parts(handle)
	j, err := w.askPlain(host, url.QueryEscape("acct:"+handle), 5)
	if err != nil {
		return "", err
	}
	return j.self(twoTypes)
}

// wordPress: the same file, uri_to_acct. The name comes from asking for the actor's id at its host.
func wordPress(w web, a foundActor) (string, error) {
	back, err := w.askPlain(hostname(a.ID), url.QueryEscape(a.ID), 5)
	name, ok := strings.CutPrefix(back.Subject, "acct:")
	if err != nil || !ok {
		return "", fmt.Errorf("the id is %q, %w", back.Subject, err)
	}
	return name, nil
}
