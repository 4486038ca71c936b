#include "tools/report/html.h"

namespace thaw {

namespace {

constexpr const char* style = R"css(
:root { --paper: #fff; --ink: #1c2430; --soft: #5b6675; --line: #d9dee6; --panel: #f5f7fa;
        --blue: #1f6fb2; --orange: #b3560a; --green: #25784a; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181e; --ink: #e6eaf0; --soft: #9aa6b5; --line: #333c48; --panel: #1c222b;
          --blue: #6db3ee; --orange: #f0a35e; --green: #6fcf97; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
       font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { max-width: 45rem; }
.soft { color: var(--soft); }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem;
      overflow-x: auto; font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
svg { display: block; width: 100%; max-width: 52rem; height: auto; font: 13px system-ui, sans-serif; }
svg text { fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 4px; } svg .label { fill: var(--soft); }
svg .mark { stroke: var(--soft); stroke-dasharray: 4 4; }
svg .grid { stroke: var(--line); }
svg .series1 { stroke: var(--blue); fill: var(--blue); } svg .series2 { stroke: var(--orange); fill: var(--orange); }
svg .series3 { stroke: var(--green); fill: var(--green); }
svg .curve { fill: none; stroke-width: 2; }
.charts { display: grid; gap: 0 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.charts h3 { font-size: 1rem; margin: .5rem 0 0; }
.confusion td { --share: 0; min-width: 3rem; }
.confusion .right { background: rgb(31 111 178 / calc(var(--share) * .5)); }
.confusion .wrong { background: rgb(209 105 20 / calc(var(--share) * .6)); }
.upright { writing-mode: vertical-rl; text-align: left; }
.cards { display: grid; gap: 1.25rem 1rem; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); }
figure { margin: 0; min-width: 0; overflow-wrap: anywhere; font-size: .875rem; line-height: 1.35; }
figure div { display: flex; gap: .25rem; margin-bottom: .35rem; }
figure img { flex: 1 1 0; min-width: 0; max-width: 8.5rem; height: 8.5rem; object-fit: contain; image-rendering: pixelated;
             background: var(--panel); border: 1px solid var(--line); border-radius: .25rem; }
@media (max-width: 40rem) { svg { font-size: 22px; } }
)css";

std::string row_of(const std::vector<std::string>& cells, const char* tag) {
  std::string text = "<tr>";
  for (const std::string& cell : cells)
    text += std::string("<") + tag + ">" + html_escape(cell) + "</" + tag + ">";
  return text + "</tr>\n";
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string safe;
  for (const char c : text) switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  return safe;
}

std::string html_page(const std::string& title, const std::string& body) {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
         "dark\">\n<title>" +
         html_escape(title) + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n" + body +
         "</body>\n</html>\n";
}

std::string html_table(const std::vector<std::string>& head,
                       const std::vector<std::vector<std::string>>& rows) {
  std::string text = "<div class=\"scroll\"><table>\n<thead>" + row_of(head, "th") + "</thead>\n<tbody>\n";
  for (const auto& row : rows) text += row_of(row, "td");
  return text + "</tbody></table></div>\n";
}

}  // namespace thaw
