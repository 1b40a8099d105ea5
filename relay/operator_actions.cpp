#include "relay/operator_actions.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <nlohmann/json.hpp>

#include "config/description.hpp"
#include "relay/planning.hpp"
#include "relay/suspensions.hpp"

namespace signet {
namespace {

using nlohmann::json;

constexpr std::size_t kPage = 200;
constexpr std::chrono::seconds kSettle{2};
constexpr std::chrono::seconds kLongest{2};  // Of one part: then the asker has its turn.

std::string rfc3339(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", std::chrono::floor<std::chrono::seconds>(time));
}

json to_json(const Suspension& each) {
  json told{{"kind", name_of(each.kind)},
            {"value", each.value},
            {"reason", each.reason},
            {"by", each.by},
            {"since", rfc3339(each.since)}};
  told["until"] = each.until ? json(rfc3339(*each.until)) : json();
  return told;
}

Failure wrong(const std::string& words) { return fail(Fault::bad_parameter, words, words); }

/// The value as it is compared: a domain in lower case, an address as it is written shortest.
Result<Suspension> understand(const admin::SuspensionOrder& order, WallTime now) {
  const auto kind = parse_suspension_kind(order.kind);
  if (!kind) return wrong("the kinds are destination, domain, client and egress");
  Suspension made{*kind, order.value, order.reason, order.by, now, {}};
  if (order.value.empty()) return wrong("nothing is named");
  if (*kind == SuspensionKind::destination || *kind == SuspensionKind::domain) {
    const auto domain = Domain::parse(order.value);
    if (!domain) return wrong("not a domain name: " + order.value);
    made.value = domain->text();
  }
  if (*kind == SuspensionKind::egress) {
    const auto address = IpAddress::parse(order.value);
    if (!address) return wrong("not an IP address: " + order.value);
    made.value = address->to_string();
  }
  if (order.lasts) made.until = now + *order.lasts;
  return made;
}

/// What the running configuration does not know: perhaps a slip of the pen, perhaps what comes.
std::string doubt(const config::Settings& settings, const Suspension& each) {
  const auto has_address = [&](const config::PoolSettings& pool) {
    return std::ranges::any_of(pool.addresses, [&](const config::EgressAddress& address) {
      return address.public_address.to_string() == each.value;
    });
  };
  if (each.kind == SuspensionKind::client && client_named(settings, each.value) == nullptr)
    return "no client of the configuration has this name";
  if (each.kind == SuspensionKind::egress && std::ranges::none_of(settings.pools, has_address))
    return "no pool of the configuration has this public address";
  return {};
}

/// Some recipient waits because of a suspension. Where another one stands it goes on waiting.
bool was_suspended(const spool::Message& message) {
  return !message.state.is_held() &&
         std::ranges::any_of(message.state.recipients, [](const auto& each) {
           return each.status == spool::RecipientStatus::queued &&
                  each.last_reply.starts_with(kSuspendedReply);
         });
}

std::string_view name_of(admin::ManyAction action) {
  constexpr std::array<std::string_view, 5> kNames{"retry", "hold", "release", "bounce", "reroute"};
  return kNames[static_cast<std::size_t>(action)];
}

}  // namespace

void OperatorActions::suspend(admin::SuspensionOrder order, Done done) {
  auto suspension = understand(order, services_.clock.now());
  if (!suspension) return done(suspension.failure());
  loop_.post([this, suspension = std::move(*suspension), done = std::move(done)]() mutable {
    scope_.spawn(run_suspend(std::move(suspension), std::move(done)));
  });
}

net::Task<void> OperatorActions::run_suspend(Suspension suspension, Done done) {
  auto stored = co_await net::run_on(
      services_.pool, loop_,
      [&all = services_.suspensions, suspension] { return all.suspend(suspension); });
  if (!stored) {
    done(stored.failure());
    co_return;
  }
  note("suspend", suspension, suspension.by);
  json told = to_json(suspension);
  if (auto doubted = doubt(*services_.current.get()->settings, suspension); !doubted.empty())
    told["warning"] = std::move(doubted);
  done(std::move(told));
}

void OperatorActions::resume(admin::SuspensionOrder order, Done done) {
  auto suspension = understand(order, services_.clock.now());
  if (!suspension) return done(suspension.failure());
  loop_.post(
      [this, suspension = std::move(*suspension), by = order.by, done = std::move(done)]() mutable {
        scope_.spawn(run_resume(std::move(suspension), std::move(by), std::move(done)));
      });
}

net::Task<void> OperatorActions::run_resume(Suspension suspension, std::string by, Done done) {
  auto resumed =
      co_await net::run_on(services_.pool, loop_, [&all = services_.suspensions, suspension] {
        return all.resume(suspension.kind, suspension.value);
      });
  if (!resumed) {
    done(resumed.failure());
    co_return;
  }
  note("resume", suspension, by);
  done(json{{"kind", signet::name_of(suspension.kind)}, {"value", suspension.value}});
  co_await wake();
}

net::Task<void> OperatorActions::wake() {
  admin::ManyOrder retry{.action = admin::ManyAction::retry,
                         .filter = {},
                         .reason = {},
                         .by = "resume",
                         .dry_run = false,
                         .after = {}};
  bool is_second = false;
  for (;;) {
    const auto part = co_await walk(retry, &was_suspended);
    if (!part) co_return;
    if (part->next) {
      retry.after = *part->next;
      continue;
    }
    if (std::exchange(is_second, true)) co_return;
    // Once more for those that were on their way back into the spool.
    retry.after = {};
    co_await loop_.sleep(kSettle);
  }
}

void OperatorActions::suspensions(Done done) {
  json list = json::array();
  for (const Suspension& each : services_.suspensions.list()) list.push_back(to_json(each));
  done(json{{"suspensions", std::move(list)}});
}

void OperatorActions::order_many(admin::ManyOrder order, Done done) {
  loop_.post([this, order = std::move(order), done = std::move(done)]() mutable {
    scope_.spawn(run_order(std::move(order), std::move(done)));
  });
}

net::Task<void> OperatorActions::run_order(admin::ManyOrder order, Done done) {
  const WallTime now = services_.clock.now();
  // What comes in meanwhile is not meant: not the reports that the order itself makes.
  if (order.until == QueueId()) order.until = services_.spool.last_id();
  if (order.action == admin::ManyAction::reroute) {
    const auto way = QueueOperations::understand(*services_.current.get()->settings, order.reroute);
    if (!way) {
      done(way.failure());
      co_return;
    }
  }
  const auto part = co_await walk(order, [filter = order.filter, now](const auto& message) {
    return filter.matches(message, now);
  });
  if (!part) {
    done(part.failure());
    co_return;
  }
  done(json{{"order", name_of(order.action)},
            {"dry_run", order.dry_run},
            {"looked_at", part->looked_at},
            {"matched", part->matched},
            {"done", part->done},
            {"unchanged", part->unchanged},
            {"refused", part->refused},
            {"next", part->next ? json(part->next->to_string()) : json()},
            {"until", order.until.to_string()}});
}

net::Task<Result<OperatorActions::Part>> OperatorActions::walk(admin::ManyOrder order,
                                                               Matches matches) {
  const SteadyTime deadline = services_.clock.steady() + kLongest;
  Part part;
  QueueId after = order.after;
  for (;;) {
    auto page = co_await net::run_on(services_.pool, loop_, [&spool = services_.spool, after] {
      return spool.list(after, kPage);
    });
    if (!page) co_return page.failure();
    std::vector<admin::QueueOrder> orders;
    bool is_last = page->size() < kPage;
    for (const spool::Message& message : *page) {
      if (order.until != QueueId() && message.record.id > order.until) {
        is_last = true;
        break;
      }
      ++part.looked_at;
      after = message.record.id;
      if (!matches(message)) continue;
      ++part.matched;
      if (!order.dry_run)
        orders.push_back({after, order.reason, order.by, order.reroute, order.filter});
    }
    const Outcome outcome = co_await order_all(order.action, std::move(orders));
    part.done += outcome.done;
    part.unchanged += outcome.unchanged;
    part.refused += outcome.refused;
    if (is_last) co_return part;
    if (services_.clock.steady() >= deadline) break;
  }
  part.next = after;
  co_return part;
}

// All at once: their writes share the spool's groups.
net::Task<OperatorActions::Outcome> OperatorActions::order_all(
    admin::ManyAction action, std::vector<admin::QueueOrder> orders) {
  if (orders.empty()) co_return Outcome();
  struct Tally {
    std::atomic<std::size_t> left;
    std::atomic<std::size_t> done{0};
    std::atomic<std::size_t> unchanged{0};
    std::atomic<std::size_t> refused{0};
    std::move_only_function<void(Outcome)> all_done;
  };
  const auto outcome = co_await net::completion<Outcome>(loop_, [&](auto all_done) {
    // Shared by the orders under way: the last one to end tells.
    auto tally = std::make_shared<Tally>(orders.size());
    tally->all_done = std::move(all_done);
    for (admin::QueueOrder& order : orders) {
      give(action, std::move(order), [tally](Result<void> ordered) {
        const bool is_idle = !ordered && ordered.error().fault == Fault::message_state_wrong;
        auto& count = ordered ? tally->done : is_idle ? tally->unchanged : tally->refused;
        count.fetch_add(1);
        if (tally->left.fetch_sub(1) == 1)
          tally->all_done({tally->done, tally->unchanged, tally->refused});
      });
    }
  });
  co_return outcome;
}

void OperatorActions::give(admin::ManyAction action, admin::QueueOrder order,
                           admin::QueueControl::Done done) {
  switch (action) {
    case admin::ManyAction::retry:
      return operations_.retry(std::move(order), std::move(done));
    case admin::ManyAction::hold:
      return operations_.hold(std::move(order), std::move(done));
    case admin::ManyAction::release:
      return operations_.release(std::move(order), std::move(done));
    case admin::ManyAction::bounce:
      return operations_.bounce(std::move(order), std::move(done));
    case admin::ManyAction::reroute:
      return operations_.reroute(std::move(order), std::move(done));
  }
}

void OperatorActions::drain(bool drains, std::string by, Done done) {
  door_.set_draining(drains);
  services_.log.write(report::Fact("order", services_.clock.now())
                          .with("order", drains ? "drain" : "accept")
                          .with("by", by));
  maintenance(std::move(done));
}

void OperatorActions::settings(Done done) {
  done(json{{"settings", config::describe(*services_.current.get()->settings)}});
}

void OperatorActions::recent_mail(Done done) {
  loop_.post(
      [this, done = std::move(done)]() mutable { scope_.spawn(run_recent_mail(std::move(done))); });
}

// One at a time: each may put many questions to the DNS.
net::Task<void> OperatorActions::run_recent_mail(Done done) {
  if (std::exchange(rehearsing_, true)) {
    done(fail(Fault::destination_busy, "busy", "Somebody else asks just now: try again"));
    co_return;
  }
  auto told = co_await rehearsal_.recent();
  rehearsing_ = false;
  done(std::move(told));
}

void OperatorActions::reload(std::string by, Done done) {
  services_.log.write(
      report::Fact("order", services_.clock.now()).with("order", "reload").with("by", by));
  reload_([this, done = std::move(done)](const Result<void>& reloaded) mutable {
    if (!reloaded) {
      const Error& error = reloaded.error();
      return done(fail(error.fault, error.detail, "The old configuration stays: " + error.detail));
    }
    const auto state = services_.reloads.get();
    done(json{{"generation", state.generation}, {"restart_needed", state.restart_needed}});
  });
}

void OperatorActions::maintenance(Done done) {
  const auto stats = services_.spool.stats();
  done(json{{"draining", door_.is_draining()},
            {"connections", door_.connections()},
            {"messages", stats.messages},
            {"held", stats.held}});
}

void OperatorActions::note(std::string_view order, const Suspension& suspension,
                           const std::string& by) {
  services_.log.write(report::Fact("order", services_.clock.now())
                          .with("order", order)
                          .with("kind", signet::name_of(suspension.kind))
                          .with("value", suspension.value)
                          .with("by", by)
                          .with("reason", suspension.reason));
}

}  // namespace signet
