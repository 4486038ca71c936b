// Self-contained pages: one file, no script, no network; light and dark, narrow and wide.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace thaw {

// `text` with & < > " and ' as entities, fit for contents and quoted attributes.
std::string html_escape(std::string_view text);

// A whole document. `title` is text, `body` is HTML. SVG in it may use the classes grid, axis, label (text), band, curve
// and series1 ... series3. `reload_seconds` above 0: a browser reads it again after so long, for a page still written.
std::string html_page(const std::string& title, const std::string& body, int reload_seconds = 0);

// `content`, HTML, in a box that scrolls sideways where the page is narrow, and shows that it does. `tall`: no higher
// than most of a screen, and scrolls down, too. `name`, text, is for screen readers.
std::string html_scroll(const std::string& name, const std::string& content, bool tall = false);

// A table of text cells in such a box, tall where there are more than 20 rows. The first cell of a row is its name; the
// others stand to the right.
std::string html_table(const std::vector<std::string>& head,
                       const std::vector<std::vector<std::string>>& rows);

// Names and values, both text, under one another.
std::string html_card(const std::vector<std::pair<std::string, std::string>>& lines);

}  // namespace thaw
