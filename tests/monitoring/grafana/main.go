// Whether Grafana dashboards fit the schema that Grafana publishes: unknown fields, missing
// ones and wrong values are said, each with its place.
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	plugins.RegisterDefaultPlugins()
	wrong := false
	for _, path := range os.Args[1:] {
		if problem := check(path); problem != "" {
			fmt.Printf("%s:\n%s\n", path, problem)
			wrong = true
		}
	}
	if wrong {
		os.Exit(1)
	}
}

func check(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	var found dashboard.Dashboard
	if err := found.UnmarshalJSONStrict(raw); said(err) != "" {
		return said(err)
	}
	return said(found.Validate())
}

// An error of the SDK may be an empty list of them.
func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
