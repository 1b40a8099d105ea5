#include "relay/suspensions.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "keys/durable_file.hpp"
#include "relay/net/descriptor.hpp"

namespace signet {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kKinds{"destination", "domain", "client", "egress"};

std::int64_t milliseconds_of(WallTime time) { return time.time_since_epoch().count(); }
WallTime time_of(std::int64_t milliseconds) {
  return WallTime(std::chrono::milliseconds(milliseconds));
}

json to_json(const Suspension& each) {
  json row{{"kind", name_of(each.kind)},
           {"value", each.value},
           {"reason", each.reason},
           {"by", each.by},
           {"since", milliseconds_of(each.since)}};
  if (each.until) row["until"] = milliseconds_of(*each.until);
  return row;
}

std::optional<Suspension> from_json(const json& row) {
  const auto text = [&](const char* name) {
    const auto found = row.find(name);
    return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (!row.is_object()) return std::nullopt;
  const auto kind = parse_suspension_kind(text("kind"));
  const auto since = row.find("since");
  if (!kind || text("value").empty() || since == row.end() || !since->is_number_integer())
    return std::nullopt;
  Suspension made{
      *kind, text("value"), text("reason"), text("by"), time_of(since->get<std::int64_t>()), {}};
  const auto until = row.find("until");
  if (until != row.end() && until->is_number_integer())
    made.until = time_of(until->get<std::int64_t>());
  return made;
}

/// Told to whoever ordered it, who may be able to help. `why` names the file.
Failure not_stored(const std::string& why) {
  return fail(Fault::local_error, why, "Nothing is changed, as it can't be stored: " + why);
}

}  // namespace

std::string_view name_of(SuspensionKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

std::optional<SuspensionKind> parse_suspension_kind(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name);
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<SuspensionKind>(found - kKinds.begin());
}

Result<std::unique_ptr<Suspensions>> Suspensions::open(std::filesystem::path file,
                                                       const Clock& clock) {
  std::unique_ptr<Suspensions> made(new Suspensions(std::move(file), clock));
  std::error_code error;
  if (!std::filesystem::exists(made->file_, error)) return made;
  std::ifstream stored(made->file_);
  const std::string text((std::istreambuf_iterator<char>(stored)), {});
  const json rows = json::parse(text, nullptr, false);
  const Failure damaged =
      fail(Fault::configuration,
           made->file_.string() + " is damaged: mend it, or remove it to suspend nothing");
  if (!rows.is_array()) return damaged;
  for (const json& row : rows) {
    auto suspension = from_json(row);
    if (!suspension) return damaged;
    made->all_.push_back(std::move(*suspension));
  }
  made->some_ = !made->all_.empty();
  return made;
}

Result<void> Suspensions::suspend(Suspension suspension) {
  const std::lock_guard lock(mutex_);
  std::vector<Suspension> next;
  std::ranges::copy_if(all_, std::back_inserter(next), [&](const Suspension& each) {
    return is_in_force(each) && (each.kind != suspension.kind || each.value != suspension.value);
  });
  if (next.size() >= kMost)
    return fail(Fault::quota_exceeded, "", "There are too many suspensions: resume some");
  next.push_back(std::move(suspension));
  return replace(std::move(next));
}

Result<void> Suspensions::resume(SuspensionKind kind, std::string_view value) {
  const std::lock_guard lock(mutex_);
  const auto is_it = [&](const Suspension& each) {
    return each.kind == kind && each.value == value && is_in_force(each);
  };
  if (std::ranges::none_of(all_, is_it)) return fail(Fault::not_found);
  std::vector<Suspension> next;
  std::ranges::copy_if(all_, std::back_inserter(next),
                       [&](const Suspension& each) { return is_in_force(each) && !is_it(each); });
  return replace(std::move(next));
}

// The lock is held meanwhile: orders of an operator are rare, and what was answered is what counts.
Result<void> Suspensions::replace(std::vector<Suspension> next) {
  json rows = json::array();
  for (const Suspension& each : next) rows.push_back(to_json(each));
  const std::string text = rows.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
  const std::string name = file_.filename();
  const net::Descriptor directory(
      ::open(file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return not_stored(name + ": " + std::strerror(errno));
  const auto written = keys::write_durably(directory.get(), name, text, keys::Existing::replaced);
  if (!written) {
    const bool is_read_only = written.error().fault == Fault::store_read_only;
    return not_stored(is_read_only ? name + ": its directory is read-only to the relay"
                                   : written.error().detail);
  }
  all_ = std::move(next);
  some_ = !all_.empty();
  return {};
}

std::vector<Suspension> Suspensions::list() const {
  std::vector<Suspension> found;
  if (!some_) return found;
  const std::lock_guard lock(mutex_);
  std::ranges::copy_if(all_, std::back_inserter(found),
                       [&](const Suspension& each) { return is_in_force(each); });
  return found;
}

std::optional<Suspension> Suspensions::find(SuspensionKind kind, std::string_view value) const {
  if (!some_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find_if(all_, [&](const Suspension& each) {
    return each.kind == kind && each.value == value && is_in_force(each);
  });
  if (found == all_.end()) return std::nullopt;
  return *found;
}

}  // namespace signet
