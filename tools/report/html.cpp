#include "tools/report/html.h"

#include <fmt/format.h>

#include "tools/report/style.h"

namespace thaw {

namespace {

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

std::string html_page(const std::string& title, const std::string& body, int reload_seconds) {
  const std::string reload =
      reload_seconds > 0 ? fmt::format("<meta http-equiv=\"refresh\" content=\"{}\">\n", reload_seconds) : "";
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
         "dark\">\n" +
         reload + "<title>" + html_escape(title) + "</title>\n<style>" + page_style() +
         "</style>\n</head>\n<body>\n" + body + "</body>\n</html>\n";
}

std::string html_scroll(const std::string& name, const std::string& content, bool tall) {
  return fmt::format("<div class=\"scroll{}\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">{}</div>\n",
                     tall ? " tall" : "", html_escape(name), content);
}

std::string html_table(const std::vector<std::string>& head,
                       const std::vector<std::vector<std::string>>& rows) {
  constexpr std::size_t rows_of_a_screen = 20;
  std::string text = "<table>\n<thead>" + row_of(head, "th") + "</thead>\n<tbody>\n";
  for (const auto& row : rows) text += row_of(row, "td");
  return html_scroll("table: " + (head.empty() ? "" : head.front()), text + "</tbody></table>",
                     rows.size() > rows_of_a_screen);
}

std::string html_card(const std::vector<std::pair<std::string, std::string>>& lines) {
  std::string text = "<dl class=\"card\">\n";
  for (const auto& [name, value] : lines)
    text += "<dt>" + html_escape(name) + "</dt><dd>" + html_escape(value) + "</dd>\n";
  return text + "</dl>\n";
}

}  // namespace thaw
