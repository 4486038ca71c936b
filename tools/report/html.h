// Self-contained pages: one file, no script, no network; light and dark, narrow and wide.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace thaw {

// `text` with & < > " and ' as entities, fit for contents and quoted attributes.
std::string html_escape(std::string_view text);

// A whole document. `title` is text, `body` is HTML. SVG in it may use the classes grid, label (text) and
// series1 ... series3.
std::string html_page(const std::string& title, const std::string& body);

// A table of text cells in a box that scrolls sideways where the page is narrow. The first cell of a row is
// its name; the others stand to the right.
std::string html_table(const std::vector<std::string>& head,
                       const std::vector<std::vector<std::string>>& rows);

}  // namespace thaw
