#include "tools/report/pictures.h"

#include <algorithm>

#include "io/file/text.h"
#include "kernels/error.h"
#include "tools/report/html.h"
#include "tools/report/thumbnail.h"

namespace thaw {

std::string name_text(const std::string& name) {
  return printable(name, std::string::npos);
}

std::string names_html(const Sample& sample) {
  std::string names;
  for (const std::string& name : sample.names())
    names += (names.empty() ? "" : "<br>") + html_escape(name_text(name));
  return names;
}

std::string Pictures::images(const Sample& sample, int side) {
  constexpr std::size_t shown_views = 4;
  if (!room()) return "";
  std::string images;
  for (std::size_t v = 0; v < std::min(shown_views, 1 + sample.more_views.size()); ++v) {
    try {
      images += "<img alt=\"\" src=\"" + thumbnail(sample.view(v), side) + "\">";
    } catch (const Error&) {
      return "";
    }
  }
  if (images.size() > left_) {
    left_ = 0;
    return "";
  }
  left_ -= images.size();
  return images;
}

}  // namespace thaw
