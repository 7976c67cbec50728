package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// What each large implementation insists on before it takes an actor, in our own words; each rule names its source.
// A document is as a JSON library hands it out.
type jsonObject = map[string]any

func actorRules() map[string]func(jsonObject) error {
	return map[string]func(jsonObject) error{
		"Mastodon 4.7": mastodonTakesActor, "Misskey 2025.11": misskeyTakesActor, "GoToSocial 0.20": goToSocialTakesActor,
		"Akkoma 2025.10": akkomaTakesActor, "Lemmy 0.19": lemmyTakesActor, "PeerTube": peerTubeTakesActor,
		"Pixelfed": pixelfedTakesActor, "tootik 0.19": tootikTakesActor,
	}
}

func str(d jsonObject, name string) string { s, _ := d[name].(string); return s }
func sub(d jsonObject, name string) jsonObject {
	m, _ := d[name].(map[string]any)
	return m
}

// need returns an error with the first condition that does not hold.
func need(conditions ...any) error {
	for i := 0; i < len(conditions); i += 2 {
		if conditions[i] != true {
			return errors.New(conditions[i+1].(string))
		}
	}
	return nil
}

func onHost(address, id string) bool {
	return address != "" && hostname(address) == hostname(id) && strings.HasPrefix(address, "https://")
}

// listOf reports whether a property is a list of strings, or absent.
func listOf(d jsonObject, name string, most int) bool {
	if _, there := d[name]; !there {
		return true
	}
	list, ok := d[name].([]any)
	return ok && len(list) <= most && !slices.ContainsFunc(list, func(v any) bool { _, is := v.(string); return !is })
}

// mastodonTakesActor: app/services/activitypub/fetch_remote_actor_service.rb, process_account_service.rb,
// app/helpers/json_ld_helper.rb.
func mastodonTakesActor(d jsonObject) error {
	id, key := str(d, "id"), sub(d, "publicKey")
	context, _ := d["@context"].([]any)
	keyID, _, _ := strings.Cut(str(key, "id"), "#")
	return need(
		slices.Contains(context, any("https://www.w3.org/ns/activitystreams")), "the context",
		slices.Contains([]string{"Application", "Group", "Organization", "Person", "Service"}, str(d, "type")), "type",
		mastodonName.MatchString(str(d, "preferredUsername")), "preferredUsername",
		str(d, "inbox") != "", "inbox",
		onHost(str(d, "url"), id), "url: another host's is dropped, and the profile's link with it",
		str(key, "owner") == id && keyID == id, "publicKey",
		utf8.RuneCountInString(str(d, "name")) <= 2048 && len(str(d, "summary")) <= 20_000, "name or summary",
		listOf(d, "alsoKnownAs", 256) && listOf(d, "attributionDomains", 256), "alsoKnownAs or attributionDomains",
		onHost(str(d, "followers"), id), "followers: no post could be told to be for them",
		d["discoverable"] == true && d["indexable"] == true, "discoverable or indexable: nobody finds it",
	)
}

// misskeyTakesActor: src/core/activitypub/models/ApPersonService.ts, validateActor.
func misskeyTakesActor(d jsonObject) error {
	id := str(d, "id")
	key, one := d["publicKey"].(map[string]any)
	shared := str(sub(d, "endpoints"), "sharedInbox")
	for _, name := range []string{"inbox", "outbox", "followers", "following", "featured", "url"} {
		if !onHost(str(d, name), id) {
			return errors.New(name)
		}
	}
	attachment, isList := d["attachment"].([]any)
	aka, named := d["alsoKnownAs"]
	_, akaList := aka.([]any)
	return need(
		regexp.MustCompile(`^\w([\w-.]*\w)?$`).MatchString(str(d, "preferredUsername")) && len(str(d, "preferredUsername")) <= 128, "preferredUsername",
		one && hostname(str(key, "id")) == hostname(id), "publicKey: one, on the same host",
		str(d, "name") != "" && utf8.RuneCountInString(str(d, "name")) <= 128, "name",
		isText(d["summary"]), "summary",
		shared == "" || onHost(shared, id), "sharedInbox",
		isList && attachment != nil, "attachment",
		!named || akaList, "alsoKnownAs: a list",
	)
}

func isText(v any) bool { _, ok := v.(string); return ok }

// goToSocialTakesActor: internal/ap/extract.go, internal/typeutils/astointernal.go.
func goToSocialTakesActor(d jsonObject) error {
	id, key := str(d, "id"), sub(d, "publicKey")
	return need(
		str(d, "preferredUsername") != "", "preferredUsername",
		str(d, "inbox") != "" && str(d, "outbox") != "", "inbox, outbox",
		str(key, "owner") == id && str(key, "id") != "" && str(key, "publicKeyPem") != "", "publicKey",
		listOf(d, "alsoKnownAs", 20), "alsoKnownAs",
		sharesLabels(str(sub(d, "endpoints"), "sharedInbox"), id) && sharesLabels(str(d, "featured"), id), "sharedInbox or featured",
	)
}

// sharesLabels: the last two DNS labels are the same.
func sharesLabels(a, b string) bool {
	last := func(address string) string {
		labels := strings.Split(hostname(address), ".")
		return strings.Join(labels[max(0, len(labels)-2):], ".")
	}
	return a != "" && last(a) == last(b)
}

// akkomaTakesActor: lib/pleroma/web/activity_pub/object_validators/user_validator.ex.
func akkomaTakesActor(d jsonObject) error {
	id, key := str(d, "id"), sub(d, "publicKey")
	for _, name := range []string{"inbox", "outbox", "followers", "following"} {
		if !onHost(str(d, name), id) {
			return errors.New(name)
		}
	}
	return need(
		slices.Contains([]string{"Person", "Service", "Application"}, str(d, "type")), "type",
		str(key, "owner") == id, "publicKey: its owner",
		listOf(d, "alsoKnownAs", 1000), "alsoKnownAs",
		isText(d["name"]) && isText(d["summary"]), "name, summary",
	)
}

// lemmyTakesActor: crates/apub/src/protocol/objects/person.rs: a struct with no default for these.
func lemmyTakesActor(d jsonObject) error {
	key := sub(d, "publicKey")
	for _, address := range []string{str(d, "id"), str(d, "inbox"), str(d, "outbox"), str(sub(d, "endpoints"), "sharedInbox")} {
		if u, err := url.Parse(address); err != nil || u.Host == "" {
			return fmt.Errorf("%q is no address", address)
		}
	}
	return need(
		slices.Contains([]string{"Person", "Service", "Organization"}, str(d, "type")), "type",
		str(d, "preferredUsername") != "", "preferredUsername",
		strings.Contains(str(key, "id"), "#") && str(key, "owner") != "" && str(key, "publicKeyPem") != "", "publicKey",
	)
}

// peerTubeTakesActor: server/core/helpers/custom-validators/activitypub/actor.ts.
func peerTubeTakesActor(d jsonObject) error {
	pem := str(sub(d, "publicKey"), "publicKeyPem")
	return need(
		regexp.MustCompile(`^[A-Za-z0-9\-_.:]+$`).MatchString(str(d, "preferredUsername")), "preferredUsername",
		strings.HasPrefix(pem, "-----BEGIN PUBLIC KEY-----") && strings.Contains(pem, "-----END PUBLIC KEY-----") && len(pem) >= 10 && len(pem) <= 5000, "publicKey",
		str(d, "inbox") != "", "inbox",
	)
}

// pixelfedTakesActor: app/Util/ActivityPub/Helpers.php, as Bridgy Fed's comments tell.
func pixelfedTakesActor(d jsonObject) error {
	_, summary := d["summary"]
	_, manual := d["manuallyApprovesFollowers"].(bool)
	return need(
		summary, "summary", manual, "manuallyApprovesFollowers", str(d, "outbox") != "", "outbox",
		str(sub(d, "publicKey"), "id") != "", "publicKey", hostname(str(d, "inbox")) == hostname(str(d, "id")), "inbox",
	)
}

// tootikTakesActor: fed/resolve.go refuses one without a date of birth.
func tootikTakesActor(d jsonObject) error {
	return need(regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`).MatchString(str(d, "published")), "published", str(d, "preferredUsername") != "", "preferredUsername")
}

func asDocument(t *testing.T, b []byte) jsonObject {
	t.Helper()
	var d jsonObject
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEverybodyTakesTheActor(t *testing.T) {
	for name, s := range map[string]*Server{
		"bare": bareServer(), "full": bareServer(fullProfile),
		"on one host": bareServer(func(c *Config) { c.Handle = "user@fedi.example.com" }),
	} {
		for who, takes := range actorRules() {
			if err := takes(asDocument(t, s.Actor())); err != nil {
				t.Errorf("%s refuses the actor, %s: %v", who, name, err)
			}
		}
	}
}

// TestActorRulesRefuse: each property that somebody insists on is missed by somebody, or these rules would be none.
func TestActorRulesRefuse(t *testing.T) {
	for name, spoil := range map[string]func(jsonObject){
		"url on the blog":      func(d jsonObject) { d["url"] = "https://example.com/" },
		"two keys":             func(d jsonObject) { d["publicKey"] = []any{d["publicKey"]} },
		"another owner":        func(d jsonObject) { sub(d, "publicKey")["owner"] = "https://example.com/users/user" },
		"a key's PKCS #1":      func(d jsonObject) { sub(d, "publicKey")["publicKeyPem"] = "-----BEGIN RSA PUBLIC KEY-----" },
		"a key id of its own":  func(d jsonObject) { sub(d, "publicKey")["id"] = "https://fedi.example.com/key" },
		"one alias":            func(d jsonObject) { d["alsoKnownAs"] = "https://a.example/" },
		"no summary":           func(d jsonObject) { delete(d, "summary") },
		"no published":         func(d jsonObject) { delete(d, "published") },
		"no outbox":            func(d jsonObject) { delete(d, "outbox") },
		"no followers":         func(d jsonObject) { delete(d, "followers") },
		"no lock":              func(d jsonObject) { delete(d, "manuallyApprovesFollowers") },
		"shared inbox apart":   func(d jsonObject) { sub(d, "endpoints")["sharedInbox"] = "https://other.example/inbox" },
		"featured apart":       func(d jsonObject) { d["featured"] = "https://other.example/featured" },
		"fields in one":        func(d jsonObject) { d["attachment"] = jsonObject{} },
		"a name with blanks":   func(d jsonObject) { d["preferredUsername"] = "the user" },
		"a name that is none":  func(d jsonObject) { delete(d, "preferredUsername") },
		"no context":           func(d jsonObject) { d["@context"] = "https://www.w3.org/ns/activitystreams" },
		"not discoverable":     func(d jsonObject) { d["discoverable"] = false },
		"a feed":               func(d jsonObject) { d["type"] = "Feed" },
		"followers over http":  func(d jsonObject) { d["followers"] = "http://fedi.example.com/users/user/followers" },
		"a domain that is one": func(d jsonObject) { d["attributionDomains"] = "example.com" },
	} {
		missed := false
		for _, takes := range actorRules() {
			d := asDocument(t, bareServer(fullProfile).Actor())
			spoil(d)
			missed = missed || takes(d) != nil
		}
		if !missed {
			t.Errorf("%s: nobody minds", name)
		}
	}
}

// verifiesLink: Mastodon's app/models/account/field.rb and verify_link_service.rb: the value is one link alone, its text
// is its target, and the page there links back with rel=me to the actor's url.
func verifiesLink(value, page, actorURL string) bool {
	m := regexp.MustCompile(`^<a href="(https://[\x21-\x7e]+)"(?: rel="[^"]*me[^"]*")>([^<]*)</a>$`).FindStringSubmatch(value)
	back := regexp.MustCompile(`<(?:a|link)[^>]* rel="me"[^>]*>`).FindAllString(page, -1)
	return m != nil && m[1] == m[2] && slices.ContainsFunc(back, func(tag string) bool { return strings.Contains(tag, `href="`+actorURL+`"`) })
}

// mayAttribute: Mastodon's app/models/concerns/account/attribution_domains.rb: the page's host, or a parent of it.
func mayAttribute(d jsonObject, host string) bool {
	domains, _ := d["attributionDomains"].([]any)
	for {
		if slices.Contains(domains, any(host)) {
			return true
		}
		_, parent, more := strings.Cut(host, ".")
		if !more {
			return false
		}
		host = parent
	}
}

func TestVerifiedLinkAndAuthor(t *testing.T) {
	d := asDocument(t, bareServer(fullProfile).Actor())
	field := d["attachment"].([]any)[0].(map[string]any)
	page := `<html><head><link rel="me" href="` + str(d, "url") + `"></head></html>` // as the README has it
	if str(field, "type") != "PropertyValue" || !verifiesLink(str(field, "value"), page, str(d, "url")) {
		t.Errorf("not verified: %v", field)
	}
	if verifiesLink(str(field, "value"), page, "https://example.com/") || verifiesLink(`see <a href="https://x.example" rel="me">x</a>`, page, str(d, "url")) {
		t.Error("the rule verifies anything")
	}
	for host, want := range map[string]bool{"example.com": true, "www.example.com": true, "example.org": false, "notexample.com": false, "com": false} {
		if mayAttribute(d, host) != want {
			t.Errorf("attributed on %s: %v", host, !want)
		}
	}
}

// TestActorNamesItself: FEP-2c59 says it without "acct:" and without "@" in front, which is what Mastodon 4.6 reads.
func TestActorNamesItself(t *testing.T) {
	d := asDocument(t, bareServer().Actor())
	context, _ := json.Marshal(d["@context"])
	if str(d, "webfinger") != "user@example.com" || !strings.Contains(string(context), `"webfinger":"https://purl.archive.org/socialweb/webfinger#webfinger"`) {
		t.Errorf("%v in %s", d["webfinger"], context)
	}
}

// TestWhoMayQuote: Mastodon 4.5 (app/lib/activitypub/parser/interaction_policy_parser.rb) lets nobody quote a post
// without a policy; GoToSocial takes a missing word on likes, replies and boosts for everybody.
func TestWhoMayQuote(t *testing.T) {
	s := bareServer()
	for quotes, want := range map[string]string{"": Public, quotesFollowers: s.ids.Followers(), quotesNobody: s.ids.Actor()} {
		c := noteCases()[0]
		c.info.Quotes = quotes
		post, err := s.note(c.entry, c.fields, c.info)
		if err != nil {
			t.Fatal(err)
		}
		policy := sub(asDocument(t, post.Object), "interactionPolicy")
		approval, _ := sub(policy, "canQuote")["automaticApproval"].([]any)
		if len(policy) != 1 || !slices.Equal(approval, []any{want}) {
			t.Errorf("%q: %v", quotes, policy)
		}
	}
	followers := noteCases()[3]
	post, err := s.note(followers.entry, followers.fields, followers.info)
	if err != nil || sub(asDocument(t, post.Object), "interactionPolicy") != nil {
		t.Errorf("for the followers: %s, %v", post.Object, err)
	}
}
