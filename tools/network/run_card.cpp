#include "tools/network/run_card.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <ctime>
#include <limits>

#include "io/file/text.h"
#include "tools/program/bounded_json.h"

namespace thaw {
namespace {

nlohmann::ordered_json number(double value) {
  return std::isnan(value) ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(value);
}

double number_in(const nlohmann::json& in, const char* name) {
  return in.at(name).is_null() ? std::numeric_limits<double>::quiet_NaN() : in.at(name).get<double>();
}

}  // namespace

std::string RunCard::json() const {
  const nlohmann::ordered_json out{{"version", version},
                                   {"date", date},
                                   {"command", command},
                                   {"data", data},
                                   {"plan", plan},
                                   {"freeze", freeze},
                                   {"bn", bn},
                                   {"epoch", epoch},
                                   {"epochs", epochs},
                                   {"train_loss", number(train_loss)},
                                   {"train_accuracy", number(train_accuracy)},
                                   {"val_loss", number(val_loss)},
                                   {"val_accuracy", number(val_accuracy)}};
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string RunCard::text() const {
  std::string figures = fmt::format("train loss {:.4f} accuracy {:.4f}", train_loss, train_accuracy);
  if (!std::isnan(val_loss))
    figures += fmt::format("  val loss {:.4f} accuracy {:.4f}", val_loss, val_accuracy);
  return fmt::format("run: Thaw {}, {}: {}\ndata: {}\nplan: {}\nepoch: {} of {}  {}\n", printable(version),
                     printable(date), printable(command), printable(data), printable(plan), epoch, epochs,
                     figures);
}

RunCard RunCard::parse(const std::string& json, const std::string& file) try {
  const auto in = parse_json(json, file);
  RunCard card;
  in.at("version").get_to(card.version);
  in.at("date").get_to(card.date);
  in.at("command").get_to(card.command);
  in.at("data").get_to(card.data);
  in.at("plan").get_to(card.plan);
  in.at("freeze").get_to(card.freeze);
  in.at("bn").get_to(card.bn);
  in.at("epoch").get_to(card.epoch);
  in.at("epochs").get_to(card.epochs);
  card.train_loss = number_in(in, "train_loss");
  card.train_accuracy = number_in(in, "train_accuracy");
  card.val_loss = number_in(in, "val_loss");
  card.val_accuracy = number_in(in, "val_accuracy");
  return card;
} catch (const nlohmann::json::exception&) {
  throw Error(printable(file) + ": what it tells of its run is not what Thaw writes");
}

std::string today() {
  std::time_t now = std::time(nullptr);
  if (const char* fixed = std::getenv("SOURCE_DATE_EPOCH")) now = std::strtoll(fixed, nullptr, 10);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &utc)};
}

}  // namespace thaw
