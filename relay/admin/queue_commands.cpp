#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "config/quantity.hpp"
#include "relay/admin/queue_client.hpp"
#include "relay/admin/queue_text.hpp"
#include "relay/admin/relay_command.hpp"
#include "relay/admin/request_target.hpp"
#include "relay/admin/terminal.hpp"
#include "relay/admin/terminal_text.hpp"
#include "relay/base/queue_id.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

constexpr std::chrono::hours kMaxAge{366 * 24};

/// For CLI11: what is wrong with a value; empty: nothing.
std::string refuse_empty(const std::string& value) {
  return value.empty() ? "the value is empty: name one, or leave the option out" : "";
}

std::string refuse_other_than_age(const std::string& value) {
  const auto age = config::parse_duration(value);
  return age && *age <= kMaxAge ? "" : "a time such as 2h, of at most a year";
}

/// Which messages are meant; empty: whatever it is.
struct Conditions {
  std::string status;
  std::string client;
  std::string from_domain;
  std::string mail_from_domain;
  std::string to_domain;
  std::string route;
  std::string pool;
  std::string older_than;
};

struct Options {
  RelayPlace place{.command = "queue", .socket = {}};
  std::size_t limit = 100;
  std::string after;
  std::vector<std::string> ids;
  std::string reason;
  std::string to;
  std::string to_pool;
  Conditions conditions;
  bool all = false;
  bool dry_run = false;
};

/// The id as the relay writes it; empty after a complaint.
std::string checked_id(const std::string& text) {
  const auto id = QueueId::parse(text);
  if (id) return id->to_string();
  fmt::print(stderr, "signet queue: \"{}\" is not a queue id\n", text);
  return {};
}

/// A member for each condition that was given.
json filter_of(const Conditions& given) {
  json filter = json::object();
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) filter[name] = value;
  };
  add("status", given.status);
  add("client", given.client);
  add("author_domain", given.from_domain);
  add("sender_domain", given.mail_from_domain);
  add("recipient_domain", given.to_domain);
  add("route", given.route);
  add("pool", given.pool);
  if (const auto age = config::parse_duration(given.older_than))
    filter["older_than"] =
        std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*age).count());
  return filter;
}

/// Page by page until there are as many as are wanted: one request looks at a part of the queue
/// only.
Result<json> list_pages(const Options& options, std::string after) {
  std::string conditions;
  for (const auto& [name, value] : filter_of(options.conditions).items())
    conditions += "&" + name + "=" + encode_value(value.get<std::string>());
  json rows = json::array();
  for (;;) {
    std::string target = fmt::format("/v1/queue?limit={}", options.limit - rows.size());
    if (!after.empty()) target += "&after=" + after;
    const auto page = ask_relay(options.place, "GET", target + conditions, "");
    if (!page) return page.failure();
    for (const json& row : page->value("messages", json::array())) rows.push_back(row);
    after = text_of(*page, "next");
    if (after.empty() || rows.size() >= options.limit)
      return json{{"messages", std::move(rows)}, {"next", page->value("next", json())}};
  }
}

/// As one word of a shell.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+,";
  if (text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

/// The command that lists what follows `after`, with the other options as they were given.
std::string continuation(const CLI::App& list, const std::string& after) {
  std::string line = "signet queue list";
  for (const CLI::Option* option : list.get_options()) {
    if (option->empty() || option->get_name() == "--after") continue;
    for (const std::string& value : option->results())
      line += " " + option->get_name() + "=" + shell_word(value);
  }
  return line + " --after=" + after;
}

int list(const Options& options, const CLI::App& command) {
  std::string after;
  if (!options.after.empty()) {
    after = checked_id(options.after);
    if (after.empty()) return kRefused;
  }
  const auto found = list_pages(options, after);
  if (!found) return status_of(found.error());
  if (options.place.as_json) {
    fmt::print("{}\n", found->dump(-1, ' ', false, json::error_handler_t::replace));
    return 0;
  }
  fmt::print("{}", fit(list_text(*found), columns_of(STDOUT_FILENO)));
  // Never cut, or it could not be copied.
  if (const std::string next = text_of(*found, "next"); !next.empty())
    fmt::print("more: {}\n", continuation(command, next));
  return 0;
}

int show(const Options& options) {
  const std::string id = checked_id(options.ids.front());
  return id.empty() ? kRefused
                    : ask_and_print(options.place, "GET", "/v1/queue/" + id, "", &message_text);
}

/// What an order says beside its name and whom it is for.
json details_of(const Options& options) {
  json details = json::object();
  if (!options.reason.empty()) details["reason"] = options.reason;
  if (!options.to.empty()) details["to"] = options.to;
  if (!options.to_pool.empty()) details["to_pool"] = options.to_pool;
  return details;
}

int act(const Options& options, const std::string& action) {
  const json details = details_of(options);
  const std::string body = details.empty() ? "" : details.dump();
  int status = 0;
  for (const std::string& written : options.ids) {
    const std::string id = checked_id(written);
    const auto render = [&](const json&) { return fmt::format("{}: {}\n", id, action); };
    const int one = id.empty()
                        ? kRefused
                        : ask_and_print(options.place, "POST",
                                        fmt::format("/v1/queue/{}/{}", id, action), body, render);
    if (one == kUnreachable) return one;
    status = std::max(status, one);
  }
  return status;
}

CLI::App* add(CLI::App& queue, const std::shared_ptr<Options>& options, const std::string& name,
              const std::string& words) {
  auto* command = queue.add_subcommand(name, words);
  add_place(*command, options->place);
  return command;
}

/// Part by part, with what is done so far on the terminal.
Result<json> order_parts(const Options& options, const std::string& action) {
  json body = filter_of(options.conditions);
  body.update(details_of(options));
  body["order"] = action;
  body["dry_run"] = options.dry_run;
  if (options.all) body["all"] = true;
  json sum{{"order", action}, {"dry_run", options.dry_run}};
  const auto stats = ask_relay(options.place, "GET", "/v1/queue/stats", "");
  if (!stats) return stats.failure();
  Progress progress(action, static_cast<std::uint64_t>(number_of(*stats, "messages")));
  for (;;) {
    const auto part = ask_relay(options.place, "POST", "/v1/queue/orders", body.dump());
    if (!part) return part.failure();
    for (const char* count : {"looked_at", "matched", "done", "unchanged", "refused"})
      sum[count] = sum.value(count, 0) + number_of(*part, count);
    progress.reach(sum["looked_at"].get<std::uint64_t>(), sum["matched"].dump() + " match");
    const std::string next = text_of(*part, "next");
    if (next.empty()) return sum;
    body["after"] = next;
    body["until"] = text_of(*part, "until");
  }
}

int act_on_many(const Options& options, const std::string& action) {
  const auto sum = order_parts(options, action);
  if (!sum) return status_of(sum.error());
  const auto count = [&](const char* name) { return sum->at(name).dump(); };
  if (options.place.as_json) {
    fmt::print("{}\n", sum->dump());
  } else if (options.dry_run) {
    fmt::print("{}: {} of {} messages match\n", action, count("matched"), count("looked_at"));
  } else {
    fmt::print("{}: {} of {} messages done, {} unchanged, {} refused for now\n", action,
               count("done"), count("matched"), count("unchanged"), count("refused"));
  }
  return sum->at("refused") == 0 ? 0 : kRefused;
}

int act_on(const Options& options, const std::string& action) {
  const bool by_filter = options.all || !filter_of(options.conditions).empty();
  if (by_filter == !options.ids.empty())
    throw CLI::ValidationError(action,
                               "name messages by id, by conditions such as --to-domain, "
                               "or --all of them");
  if (action == "reroute" && options.to.empty() && options.to_pool.empty())
    throw CLI::ValidationError(action, "say where to with --to, or by which pool with --to-pool");
  if (options.dry_run && !by_filter)
    throw CLI::ValidationError("--dry-run", "counts what conditions match, not ids");
  return by_filter ? act_on_many(options, action) : act(options, action);
}

void add_conditions(CLI::App& command, Conditions& conditions) {
  const auto add = [&](const std::string& name, std::string& into, const std::string& words) {
    command.add_option(name, into, words)->check(&refuse_empty);
  };
  add("--from-domain", conditions.from_domain, "All whose author's domain it is");
  add("--mail-from-domain", conditions.mail_from_domain,
      "All whose envelope sender's domain it is");
  add("--to-domain", conditions.to_domain, "All that wait for this domain");
  add("--client", conditions.client, "All of this client");
  add("--route", conditions.route, "All that wait for this route");
  add("--pool", conditions.pool, "All that wait for this pool");
  command.add_option("--older-than", conditions.older_than, "All older than, such as 2h")
      ->check(&refuse_other_than_age);
  add("--status", conditions.status, "All that are queued, or held");
}

void add_action(CLI::App& queue, const std::shared_ptr<Options>& options, int& status,
                const std::string& name, const std::string& words) {
  auto* command = add(queue, options, name, words);
  command->add_option("id", options->ids, "Queue ids");
  add_conditions(*command, options->conditions);
  command->add_flag("--all", options->all, "All messages");
  command->add_flag("--dry-run", options->dry_run, "Only count those that match");
  if (name == "hold" || name == "bounce") {
    command->add_option("--reason", options->reason,
                        "Why: shown in the queue, the log and the DSN");
  }
  if (name == "reroute") {
    command
        ->add_option("--to", options->to,
                     "Another route of the configuration, or a next hop: smtp://HOST:PORT")
        ->check(&refuse_empty);
    command
        ->add_option("--to-pool", options->to_pool,
                     "The pool to leave from (default: that of the route or client)")
        ->check(&refuse_empty);
  }
  command->callback([options, &status, name] { status = act_on(*options, name); });
}

struct SuspensionOptions {
  RelayPlace place{.command = "queue", .socket = {}};
  std::string destination;
  std::string domain;
  std::string client;
  std::string egress;
  std::string reason;
  std::string lasts;
};

json body_of(const SuspensionOptions& options) {
  json body;
  for (const auto& [kind, value] :
       {std::pair("destination", &options.destination), std::pair("domain", &options.domain),
        std::pair("client", &options.client), std::pair("egress", &options.egress)}) {
    if (!value->empty()) body = {{"kind", kind}, {"value", *value}};
  }
  if (!options.reason.empty()) body["reason"] = options.reason;
  if (!options.lasts.empty()) body["for"] = options.lasts;
  return body;
}

CLI::App* add_suspension_command(CLI::App& queue, const std::shared_ptr<SuspensionOptions>& options,
                                 const std::string& name, const std::string& words) {
  auto* command = queue.add_subcommand(name, words);
  add_place(*command, options->place);
  auto* what = command->add_option_group("what");
  const auto add = [what](const std::string& kind, std::string& into, const std::string& help) {
    what->add_option(kind, into, help)->check(&refuse_empty);
  };
  add("--destination", options->destination, "Mail to this domain");
  add("--domain", options->domain, "Mail whose author or sender is of this domain");
  add("--client", options->client, "Mail of this client");
  add("--egress", options->egress, "The use of this public address");
  what->require_option(1);
  return command;
}

void add_suspensions(CLI::App& queue, int& status) {
  auto options = std::make_shared<SuspensionOptions>();
  auto* suspend = add_suspension_command(queue, options, "suspend",
                                         "Let mail wait: it is accepted, and not delivered");
  suspend->add_option("--reason", options->reason, "Why: shown in queue and log");
  suspend->add_option("--for", options->lasts, "Such as 2h (default: until it is resumed)")
      ->check(&refuse_empty);
  suspend->callback([options, &status] {
    status = ask_and_print(options->place, "POST", "/v1/suspensions", body_of(*options).dump(),
                           [](const json& each) {
                             const std::string warning = text_of(each, "warning");
                             return fmt::format("{} {}: suspended{}{}\n", text_of(each, "kind"),
                                                text_of(each, "value"), until_text(each),
                                                warning.empty() ? "" : "; but " + warning);
                           });
  });
  auto* resume = add_suspension_command(queue, options, "resume", "Deliver what waited");
  resume->callback([options, &status] {
    status = ask_and_print(options->place, "POST", "/v1/suspensions/resume",
                           body_of(*options).dump(), [](const json& each) {
                             return fmt::format("{} {}: resumed\n", text_of(each, "kind"),
                                                text_of(each, "value"));
                           });
  });
  auto* list = queue.add_subcommand("suspensions", "What is suspended, why and until when");
  add_place(*list, options->place);
  list->callback([options, &status] {
    status = ask_and_print(options->place, "GET", "/v1/suspensions", "", &suspensions_text);
  });
}

/// Counts, and what is suspended.
int show_stats(const RelayPlace& place) {
  const auto suspended = ask_relay(place, "GET", "/v1/suspensions", "");
  if (!suspended) return status_of(suspended.error());
  return ask_and_print(
      place, "GET", "/v1/queue/stats", "",
      [&](const json& stats) {
        return stats_text(stats) + (suspended->at("suspensions").empty()
                                        ? std::string()
                                        : suspensions_text(*suspended));
      },
      &*suspended);
}

}  // namespace

void add_queue_commands(CLI::App& app, int& status) {
  auto* queue = app.add_subcommand("queue", "Look at and change the queue of the running relay");
  queue->require_subcommand(1);
  auto options = std::make_shared<Options>();  // Shared by the callbacks.
  auto* list = add(*queue, options, "list", "Messages, the oldest first");
  list->add_option("--limit", options->limit, "At most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  list->add_option("--after", options->after, "Begin after this queue id");
  add_conditions(*list, options->conditions);
  list->callback([options, list, &status] { status = admin::list(*options, *list); });
  auto* show = add(*queue, options, "show", "One message, without its content");
  show->add_option("id", options->ids, "Queue id")->required()->expected(1);
  show->callback([options, &status] { status = admin::show(*options); });
  auto* stats = add(*queue, options, "stats", "Counts");
  stats->callback([options, &status] { status = show_stats(options->place); });
  add_action(*queue, options, status, "retry", "Try again now");
  add_action(*queue, options, status, "hold", "Keep until released or expired");
  add_action(*queue, options, status, "release",
             "Judge held mail again and send it, if it may leave");
  add_action(
      *queue, options, status, "bounce",
      "Give up on recipients that wait (by conditions: those that are meant), and tell the sender");
  add_action(*queue, options, status, "reroute",
             "Send what waits by another route, next hop or pool, if it stays in alignment");
  add_suspensions(*queue, status);
}

}  // namespace signet::admin
