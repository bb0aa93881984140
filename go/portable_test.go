package datacat_test

import (
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"testing"
)

// Sources are checked as the compiler would, without compiling the standard library for each system.
func TestItCompilesForWindowsAndMacOSToo(t *testing.T) {
	for _, system := range []string{"windows", "darwin"} {
		context := build.Default
		context.GOOS, context.CgoEnabled = system, false
		found, err := context.ImportDir(".", 0)
		must(t, err)
		files := token.NewFileSet()
		var sources []*ast.File
		for _, name := range found.GoFiles {
			source, err := parser.ParseFile(files, filepath.Join(found.Dir, name), nil, 0)
			must(t, err)
			sources = append(sources, source)
		}
		ours := build.Default
		build.Default = context // the importer of sources looks nowhere else
		checker := types.Config{Importer: importer.ForCompiler(files, "source", nil), Sizes: types.SizesFor("gc", "amd64")}
		_, err = checker.Check(found.ImportPath, files, sources, nil)
		build.Default = ours
		if err != nil {
			t.Errorf("%s: %v", system, err)
		}
	}
}
