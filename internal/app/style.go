package app

import (
	"fmt"

	"crier/content"
	"crier/internal/config"
)

// styles are how the entries of each configured feed become posts, by the feed's address. The error is a template's.
func styles(cfg *config.Config) (map[string]content.Style, error) {
	all := make(map[string]content.Style, len(cfg.Feeds))
	for i, f := range cfg.Feeds {
		s, err := style(cfg, f)
		if err != nil {
			return nil, fmt.Errorf("feed[%d].template: %s: %w", i, f.Template.File, err)
		}
		all[f.URL] = s
	}
	return all, nil
}

func style(cfg *config.Config, f config.Feed) (content.Style, error) {
	s := content.Style{
		Options: content.Options{
			Mode: content.Mode(f.Content), Pictures: content.Pictures(f.Pictures), MaxPictures: f.MaxPictures,
			PageImage: f.PageImage, Language: f.Language, TagBase: cfg.BaseURL + "/tags/",
			Hashtags: content.Hashtags(f.Hashtags), Length: f.Length, Format: content.Format(f.Format),
		},
		Visibility: f.Visibility,
		Quotes:     f.Quotes,
		Pace:       f.Pace,
	}
	for _, r := range f.Rules {
		s.Rules = append(s.Rules, content.Rule{
			Category: r.Category, Path: r.Path, Author: r.Author,
			Skip: r.Skip, Visibility: r.Visibility, Warning: r.Warning, Sensitive: r.Sensitive,
			Mode: content.Mode(r.Content), Pictures: content.Pictures(r.Pictures), Tags: r.Hashtags,
		})
	}
	if f.Template.File == "" {
		return s, nil
	}
	var err error
	s.Template, err = content.NewTemplate(f.Template.Text)
	return s, err
}
