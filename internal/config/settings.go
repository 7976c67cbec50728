package config

import (
	"slices"
	"strings"
	"time"
)

const (
	maxFields   = 50 // rows of a profile's table; Mastodon keeps no more
	maxFeeds    = 1000
	maxEntries  = 100_000 // of one feed
	minInterval = time.Second
	maxDuration = 365 * 24 * time.Hour
	minLength   = 20     // characters of an excerpt
	maxLength   = 10_000 // more is what content = "full" is for
	maxPictures = 16     // Mastodon keeps 4, Misskey and Pixelfed more
	maxRules    = 100    // of one feed
	maxTemplate = 16 << 10
)

// setting is one key of the configuration.
type setting struct {
	key      string // path below its table: "account.handle", or "interval" for a feed
	env      string // variable; of a fileOnly setting the one that is refused
	example  string // a right value in TOML, with or without its key, for errors
	fileOnly bool   // a table, which no variable can hold
	read     reader
}

// settings are all keys outside [[feed]], writing into l.cfg.
func (l *loader) settings() []setting {
	c := l.cfg
	list := slices.Concat([]setting{
		{key: "base_url", example: `base_url = "https://fedi.example.com"`, read: text(&c.BaseURL, ParseBaseURL)},
		{key: "listen", example: `listen = "127.0.0.1:8080"`, read: text(&c.Listen, parseListen)},
		{key: "data_dir", example: `data_dir = "data"`, read: text(&c.DataDir, l.path)},
		{key: "former", example: `former = "data-old"`, read: text(&c.Former, l.formerDir)},
		{key: "hook_token", example: `hook_token = "…"`, read: text(&c.HookToken, parseToken)},
		{key: "notice_url", example: `notice_url = "https://ntfy.sh/…"`, read: text(&c.NoticeURL, parseNoticeURL)},
		{key: "trusted_proxies", example: `["127.0.0.0/8"]`, read: list(&c.TrustedProxies, parsePrefix)},
	}, l.accountSettings(), []setting{
		{key: "webfinger.aliases", example: `"blog@example.com" = "self"`, fileOnly: true, read: table(&c.Webfinger.Aliases, parseAlias)},
		{key: "network.allow_private", example: `["127.0.0.0/8"]`, read: list(&c.Network.AllowPrivate, parsePrefix)},
		{key: "network.allow_http", example: `allow_http = true`, read: boolean(&c.Network.AllowHTTP)},
		{key: "network.secure_mode", example: `secure_mode = true`, read: boolean(&c.Network.SecureMode)},
		{key: "network.resolve", example: `"example.com" = "127.0.0.1:8080"`, fileOnly: true, read: table(&c.Network.Resolve, parseResolve)},
	})
	return withEnv("", list)
}

func (l *loader) accountSettings() []setting {
	a := &l.cfg.Account
	return []setting{
		{key: "account.handle", example: `handle = "user@example.com"`, read: text(&a.Handle, ParseHandle)},
		{key: "account.name", example: `name = "User"`, read: text(&a.Name, parseName)},
		{key: "account.summary", example: `summary = "Markdown"`, read: text(&a.Summary, parseSummary)},
		{key: "account.avatar", example: `avatar = "https://example.com/avatar.png"`, read: text(&a.Avatar, l.picture)},
		{key: "account.header", example: `header = "https://example.com/header.png"`, read: text(&a.Header, l.picture)},
		{key: "account.fields", example: `fields = [ { name = "Blog", value = "https://example.com" } ]`, fileOnly: true, read: fields(&a.Fields)},
		{key: "account.manually_approves_followers", example: `manually_approves_followers = true`, read: boolean(&a.ManuallyApprovesFollowers)},
		{key: "account.hide_followers", example: `hide_followers = true`, read: boolean(&a.HideFollowers)},
		{key: "account.also_known_as", example: `["user@other.example"]`, read: list(&a.AlsoKnownAs, parseAccount)},
	}
}

// fieldSettings are the keys of one row of account.fields.
func fieldSettings(f *Field) []setting {
	return []setting{
		{key: "name", example: `name = "Blog"`, read: text(&f.Name, fieldText)},
		{key: "value", example: `value = "https://example.com"`, read: text(&f.Value, fieldText)},
	}
}

// feedSettings are the keys of one [[feed]].
func (l *loader) feedSettings(f *Feed) []setting {
	return withEnv("FEED_", []setting{
		{key: "url", example: `url = "https://example.com/index.xml"`, read: text(&f.URL, l.feedURL)},
		{key: "interval", example: `interval = "15m"`, read: duration(&f.Interval, minInterval)},
		{key: "content", example: `content = "summary"`, read: oneOf(&f.Content, ContentSummary, ContentFull, ContentLink)},
		{key: "pictures", example: `pictures = "attach"`, read: oneOf(&f.Pictures, PicturesAttach, PicturesCard, PicturesNone)},
		{key: "visibility", example: `visibility = "public"`, read: oneOf(&f.Visibility, VisibilityPublic, VisibilityUnlisted, VisibilityFollowers)},
		{key: "backfill", example: `backfill = 20`, read: number(&f.Backfill, 0, maxEntries)},
		{key: "grace", example: `grace = "10m"`, read: duration(&f.Grace, 0)},
		{key: "pace", example: `pace = "60s"`, read: duration(&f.Pace, 0)},
		{key: "max_new", example: `max_new = 5`, read: number(&f.MaxNew, 1, maxEntries)},
		{key: "max_age", example: `max_age = "720h"`, read: duration(&f.MaxAge, 0)},
		{key: "deletions", example: `deletions = "confirm"`, read: oneOf(&f.Deletions, DeletionsConfirm, DeletionsFeed, DeletionsNever)},
		{key: "confirm_after", example: `confirm_after = "6h"`, read: duration(&f.ConfirmAfter, 0)},
		{key: "websub", example: `websub = true`, read: boolean(&f.WebSub)},
		{key: "format", example: `format = "note"`, read: oneOf(&f.Format, FormatNote, FormatArticle)},
		{key: "template", example: `template = "post.md"`, read: text(&f.Template, l.template)},
		{key: "length", example: `length = 500`, read: number(&f.Length, minLength, maxLength)},
		{key: "hashtags", example: `hashtags = "end"`, read: oneOf(&f.Hashtags, HashtagsEnd, HashtagsTag, HashtagsNone)},
		{key: "max_pictures", example: `max_pictures = 4`, read: number(&f.MaxPictures, 1, maxPictures)},
		{key: "page_image", example: `page_image = true`, read: boolean(&f.PageImage)},
		{key: "language", example: `language = "en"`, read: text(&f.Language, parseLanguage)},
		{key: "quotes", example: `quotes = "everyone"`, read: oneOf(&f.Quotes, QuotesEveryone, QuotesFollowers, QuotesNobody)},
		{key: "rule", example: `[[feed.rule]]`, fileOnly: true, read: rules(&f.Rules)},
	})
}

// ruleSettings are the keys of one [[feed.rule]].
func ruleSettings(r *Rule) []setting {
	return []setting{
		{key: "category", example: `category = "Notes"`, read: text(&r.Category, parsePattern)},
		{key: "path", example: `path = "/notes/*"`, read: text(&r.Path, parsePathPattern)},
		{key: "author", example: `author = "Ann"`, read: text(&r.Author, parsePattern)},
		{key: "skip", example: `skip = true`, read: boolean(&r.Skip)},
		{key: "visibility", example: `visibility = "unlisted"`, read: oneOf(&r.Visibility, VisibilityPublic, VisibilityUnlisted, VisibilityFollowers)},
		{key: "warning", example: `warning = "Spoilers"`, read: text(&r.Warning, parseWarning)},
		{key: "sensitive", example: `sensitive = true`, read: boolean(&r.Sensitive)},
		{key: "content", example: `content = "full"`, read: oneOf(&r.Content, ContentSummary, ContentFull, ContentLink)},
		{key: "pictures", example: `pictures = "card"`, read: oneOf(&r.Pictures, PicturesAttach, PicturesCard, PicturesNone)},
		{key: "hashtags", example: `hashtags = ["photo"]`, read: list(&r.Hashtags, parseHashtag)},
	}
}

// withEnv names each setting's variable: base_url is CRIER_BASE_URL, account.handle is CRIER_ACCOUNT_HANDLE.
func withEnv(section string, list []setting) []setting {
	for i := range list {
		list[i].env = envPrefix + section + strings.ToUpper(strings.ReplaceAll(list[i].key, ".", "_"))
	}
	return list
}

func findSetting(list []setting, key string) (setting, bool) {
	i := slices.IndexFunc(list, func(s setting) bool { return s.key == key })
	if i < 0 {
		return setting{}, false
	}
	return list[i], true
}
