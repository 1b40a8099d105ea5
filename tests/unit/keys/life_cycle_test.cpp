#include "keys/life_cycle.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace signet::keys {
namespace {

using namespace std::chrono_literals;
using enum KeyState;

const WallTime kStart(std::chrono::seconds(1'795'000'000));
const Domain kDomain = std::move(*Domain::parse("a.example"));

KeySet one_active(WallTime at = kStart) {
  return {{.selector = "s0",
           .state = active,
           .algorithm = Algorithm::rsa,
           .moves = {{active, at, "", ""}}}};
}

TEST(LifeCycleTest, only_these_moves_are_legal) {
  const std::set<std::pair<KeyState, KeyState>> legal{
      {published, published}, {generated, published}, {generated, failed},  {generated, deleted},
      {published, verified},  {published, failed},    {published, revoked}, {verified, active},
      {verified, failed},     {verified, revoked},    {active, retiring},   {active, revoked},
      {active, failed},       {retiring, active},     {retiring, revoked},  {revoked, deleted},
      {failed, revoked},      {failed, deleted},      {deleted, generated}, {verified, canary},
      {canary, canary},       {canary, active},       {canary, failed},     {canary, revoked}};
  for (std::size_t from = 0; from < kKeyStates; ++from) {
    for (std::size_t to = 0; to < kKeyStates; ++to) {
      const std::pair move{static_cast<KeyState>(from), static_cast<KeyState>(to)};
      EXPECT_EQ(is_legal(move.first, move.second), legal.contains(move)) << from << " " << to;
    }
  }
}

TEST(LifeCycleTest, activation_retires_the_old_key_in_the_same_change) {
  KeySet keys = one_active();
  keys.push_back({.selector = "s1", .state = verified, .algorithm = Algorithm::rsa});
  keys.push_back({.selector = "e0", .state = active, .algorithm = Algorithm::ed25519});
  ASSERT_TRUE(activate_key(keys, "s1", {kStart, "verified", "test"}));
  EXPECT_EQ(find_key(keys, "s0")->state, retiring);
  EXPECT_EQ(find_key(keys, "s1")->state, active);
  EXPECT_EQ(find_key(keys, "e0")->state, active);
  EXPECT_EQ(activate_key(keys, "s9", {kStart, "", ""}).error().fault, Fault::not_found);
  EXPECT_EQ(activate_key(keys, "s1", {kStart, "", ""}).error().fault, Fault::key_state_wrong);
}

TEST(LifeCycleTest, the_interval_and_its_jitter_say_when_a_successor_is_made) {
  RotationPolicy policy{.interval = 24h * 180, .jitter = 24h * 14};
  const auto due =
      next_due(kDomain, one_active(), {{"s0", {RecordSeen::ours, kStart}}}, policy, kStart + 1min);
  EXPECT_EQ(due.step, Step::check);
  const auto time = rotation_time(kDomain, one_active(), Algorithm::rsa, policy);
  ASSERT_TRUE(time);
  EXPECT_GE(*time, kStart + 24h * 180);
  EXPECT_LE(*time, kStart + 24h * 194);
  const auto later =
      next_due(kDomain, one_active(), {{"s0", {RecordSeen::ours, *time}}}, policy, *time);
  EXPECT_EQ(later.step, Step::create);
  policy.rotates = false;
  EXPECT_EQ(
      next_due(kDomain, one_active(), {{"s0", {RecordSeen::ours, *time}}}, policy, *time).step,
      Step::check);
}

TEST(LifeCycleTest, a_new_record_waits_for_old_answers_to_expire) {
  KeySet keys{{.selector = "s1", .state = published, .moves = {{published, kStart, "", ""}}}};
  DnsFacts facts{{"s1", {RecordSeen::ours, kStart + 10s, kStart + 10s, 60s}}};
  const auto early = next_due(kDomain, keys, facts, {}, kStart + 20s);
  EXPECT_EQ(early.step, Step::check);
  EXPECT_EQ(early.at, kStart + 70s);
  facts["s1"].checked = kStart + 70s;
  EXPECT_EQ(next_due(kDomain, keys, facts, {}, kStart + 70s).step, Step::verify);
  facts["s1"] = {RecordSeen::other, kStart + 75s};
  EXPECT_EQ(next_due(kDomain, keys, facts, {}, kStart + 75s).step, Step::check);
}

TEST(LifeCycleTest, a_record_that_came_back_waits_for_old_answers_again) {
  const KeySet keys{{.selector = "s1", .state = verified, .moves = {{verified, kStart, "", ""}}}};
  DnsFacts facts{{"s1", {RecordSeen::ours, kStart + 10s, kStart + 10s, 60s}}};
  const auto early = next_due(kDomain, keys, facts, {}, kStart + 10s);
  EXPECT_EQ(early.step, Step::check);
  EXPECT_EQ(early.at, kStart + 70s);
  facts["s1"].checked = kStart + 70s;
  EXPECT_EQ(next_due(kDomain, keys, facts, {}, kStart + 70s).step, Step::activate);
}

TEST(LifeCycleTest, a_key_is_given_up_only_when_the_dns_was_asked_after_its_time) {
  KeySet keys{{.selector = "s1", .state = published, .moves = {{published, kStart, "", ""}}}};
  const RotationPolicy policy{.publishes = true};
  const WallTime late = kStart + policy.give_up + 24h;
  const auto step = [&](DnsFact fact) {
    return next_due(kDomain, keys, {{"s1", std::move(fact)}}, policy, late).step;
  };
  EXPECT_EQ(step({}), Step::check);  // As after a restart.
  EXPECT_EQ(step({.seen = RecordSeen::absent, .checked = kStart, .told = late}), Step::check);
  EXPECT_EQ(step({.seen = RecordSeen::unknown, .checked = late, .told = late}), Step::check);
  EXPECT_EQ(step({RecordSeen::ours, late, late, 2h}), Step::check);
  EXPECT_EQ(step({.seen = RecordSeen::absent, .checked = late}), Step::give_up);
  keys.front().state = verified;
  EXPECT_EQ(step({}), Step::check);
  EXPECT_EQ(step({RecordSeen::ours, late, kStart}), Step::activate);
}

TEST(LifeCycleTest, nothing_is_changed_in_quiet_hours) {
  const auto day = std::chrono::floor<std::chrono::days>(kStart);
  KeySet keys{{.selector = "s1", .state = generated}};
  const RotationPolicy policy{.publishes = true, .quiet = std::pair{22h * 1, 6h * 1}};
  const auto night = next_due(kDomain, keys, {}, policy, WallTime(day) + 23h);
  EXPECT_EQ(night.step, Step::publish);
  EXPECT_EQ(night.at, WallTime(day) + 30h);
  EXPECT_EQ(next_due(kDomain, keys, {}, policy, WallTime(day) + 12h).at, WallTime(day) + 12h);
}

TEST(LifeCycleTest, the_next_rotation_is_of_any_algorithm_and_not_in_quiet_hours) {
  const WallTime noon = WallTime(std::chrono::floor<std::chrono::days>(kStart)) + 12h;
  KeySet keys = one_active(noon + 24h);
  keys.push_back({.selector = "e0",
                  .state = active,
                  .algorithm = Algorithm::ed25519,
                  .moves = {{active, noon, "", ""}}});
  RotationPolicy policy{.interval = 24h * 90, .jitter = 0s};
  EXPECT_EQ(next_rotation(kDomain, keys, policy), noon + 24h * 90);
  policy.quiet = std::pair{11h * 1, 13h * 1};
  EXPECT_EQ(next_rotation(kDomain, keys, policy), noon + 24h * 90 + 1h);
  keys.erase(keys.begin());
  EXPECT_EQ(next_rotation(kDomain, keys, policy), noon + 24h * 90 + 1h);
  keys.clear();
  EXPECT_EQ(next_rotation(kDomain, keys, policy), std::nullopt);
}

TEST(LifeCycleTest, a_key_that_waited_for_the_end_of_quiet_hours_is_proven_anew_before_it_signs) {
  const WallTime night = WallTime(std::chrono::floor<std::chrono::days>(kStart)) + 23h;
  const WallTime morning = night + 7h;
  const RotationPolicy policy{.publishes = true, .quiet = std::pair{22h * 1, 6h * 1}};
  const KeySet keys{{.selector = "s1", .state = verified, .moves = {{verified, night, "", ""}}}};
  DnsFacts facts{{"s1", {RecordSeen::ours, night, night}}};
  const auto due = next_due(kDomain, keys, facts, policy, night);
  EXPECT_EQ(due.step, Step::check);
  EXPECT_EQ(due.at, morning);
  facts["s1"] = {RecordSeen::ours, morning - 30min, night};  // A look while it waited.
  EXPECT_EQ(next_due(kDomain, keys, facts, policy, morning).step, Step::check);
  facts["s1"] = {RecordSeen::ours, morning, night};
  EXPECT_EQ(next_due(kDomain, keys, facts, policy, morning).step, Step::activate);
  facts["s1"] = {RecordSeen::absent, morning};
  EXPECT_EQ(next_due(kDomain, keys, facts, policy, morning).step, Step::publish);
}

TEST(LifeCycleTest, falls_back_only_to_a_key_that_is_still_published) {
  KeySet keys = one_active();
  keys.push_back({.selector = "s1", .state = verified, .algorithm = Algorithm::rsa});
  ASSERT_TRUE(activate_key(keys, "s1", {kStart, "", ""}));
  const RotationPolicy policy{.falls_back = true};
  DnsFacts facts{{"s1", {RecordSeen::absent, kStart}}};
  const auto ask = next_due(kDomain, keys, facts, policy, kStart);
  EXPECT_EQ(ask.step, Step::check);
  EXPECT_EQ(ask.selector, "s0");
  facts["s0"] = {RecordSeen::ours, kStart};
  const auto back = next_due(kDomain, keys, facts, policy, kStart);
  ASSERT_EQ(back.step, Step::fall_back);
  ASSERT_TRUE(fall_back_to(keys, back.selector, {kStart, back.reason, ""}));
  EXPECT_EQ(find_key(keys, "s0")->state, active);
  EXPECT_EQ(find_key(keys, "s1")->state, failed);
}

TEST(LifeCycleTest, the_old_key_is_not_revoked_while_it_may_be_needed_back) {
  KeySet keys = one_active(kStart + 1h);
  keys.insert(keys.begin(), {.selector = "old",
                             .state = retiring,
                             .algorithm = Algorithm::rsa,
                             .moves = {{retiring, kStart, "", ""}}});
  RotationPolicy policy{.publishes = true, .falls_back = true};
  const WallTime over = kStart + policy.overlap;
  const auto due = [&](RecordSeen active, RecordSeen old) {
    const DnsFacts facts{{"s0", {active, over}}, {"old", {old, over}}};
    const auto found = next_due(kDomain, keys, facts, policy, over);
    return std::pair(found.at == over ? found.step : Step::nothing, found.selector);
  };
  EXPECT_EQ(due(RecordSeen::ours, RecordSeen::ours), std::pair(Step::revoke, std::string("old")));
  EXPECT_EQ(due(RecordSeen::other, RecordSeen::ours).first, Step::fall_back);
  EXPECT_NE(due(RecordSeen::other, RecordSeen::unknown).first, Step::revoke);
  EXPECT_NE(due(RecordSeen::unknown, RecordSeen::ours).first, Step::revoke);  // As after a restart.
  EXPECT_EQ(due(RecordSeen::other, RecordSeen::absent).first, Step::revoke);  // No way back.
  policy.falls_back = false;
  EXPECT_EQ(due(RecordSeen::other, RecordSeen::ours).first, Step::revoke);
}

TEST(LifeCycleTest, a_clock_that_was_set_back_leaves_no_proof_from_the_future) {
  KeySet keys = one_active();
  const WallTime future = kStart + 24h * 365;
  const DnsFacts facts{{"s0", {.seen = RecordSeen::ours, .checked = future, .told = future}}};
  EXPECT_EQ(next_due(kDomain, keys, facts, {}, kStart).at, kStart);
  keys.front().state = verified;
  EXPECT_EQ(next_due(kDomain, keys, facts, {}, kStart).step, Step::check);
  keys.front().state = generated;
  const auto due = next_due(kDomain, keys, facts, {.publishes = true}, kStart);
  EXPECT_EQ(due.step, Step::publish);
  EXPECT_EQ(due.at, kStart);
}

TEST(LifeCycleTest, stable_selectors_are_used_in_turn_and_one_in_use_delays_a_rotation) {
  const RotationPolicy policy{.publishes = true, .jitter = 0s, .selectors = {"s0", "s1"}};
  KeySet keys = one_active();
  EXPECT_EQ(*free_selector(keys, policy.selectors), "s1");
  const WallTime due = kStart + policy.interval;
  const DnsFacts facts{{"s0", {RecordSeen::ours, due}}};
  EXPECT_EQ(next_due(kDomain, keys, facts, policy, due).step, Step::create);
  keys.push_back({.selector = "s1", .state = retiring, .moves = {{retiring, due, "", ""}}});
  EXPECT_EQ(free_selector(keys, policy.selectors), nullptr);
  EXPECT_EQ(next_due(kDomain, keys, facts, policy, due).step, Step::check);
  keys.back().state = deleted;
  EXPECT_EQ(*free_selector(keys, policy.selectors), "s1");
}

TEST(LifeCycleTest, a_key_from_before_the_delegation_goes_though_its_record_stays) {
  const RotationPolicy policy{.publishes = true, .selectors = {"s1", "s2"}};
  KeySet keys = one_active();
  keys.front().state = revoked;
  keys.front().moves.back().to = revoked;
  const DnsFacts facts{{"s0", {RecordSeen::ours, kStart}}};
  const auto due = next_due(kDomain, keys, facts, policy, kStart);
  EXPECT_EQ(due.step, Step::remove);
  EXPECT_EQ(due.at, kStart + policy.revoked_for);
}

TEST(LifeCycleTest, a_publisher_that_was_told_to_remove_a_record_is_not_told_again_at_once) {
  const RotationPolicy policy{.publishes = true};
  const WallTime late = kStart + 24h * 30;
  for (const KeyState state : {failed, revoked}) {
    const KeySet keys{{.selector = "s1", .state = state, .moves = {{state, kStart, "", ""}}}};
    DnsFacts facts{{"s1", {.seen = RecordSeen::revoked, .checked = late}}};
    EXPECT_EQ(next_due(kDomain, keys, facts, policy, late).at, late);
    facts["s1"].told = late;
    const auto due = next_due(kDomain, keys, facts, policy, late);
    EXPECT_EQ(due.step, Step::remove);
    EXPECT_EQ(due.at, late + policy.republish);
  }
}

TEST(LifeCycleTest, a_selector_that_differs_in_case_alone_is_the_stable_one) {
  KeySet keys{{.selector = "S1", .state = active, .algorithm = Algorithm::rsa}};
  const RotationPolicy policy{.selectors = {"s1", "s2"}};
  EXPECT_EQ(*free_selector(keys, policy.selectors), "s2");
  EXPECT_TRUE(is_published_by_us(policy, "S1"));
  EXPECT_FALSE(enter_key(keys, {.selector = "s1"}, {kStart, "rotation", ""}));
  keys.front().state = deleted;
  EXPECT_EQ(*free_selector(keys, policy.selectors), "s1");
  ASSERT_TRUE(enter_key(keys, {.selector = "s1"}, {kStart, "rotation", ""}));
  EXPECT_EQ(keys.size(), 1U) << "its history is that of S1";
}

TEST(LifeCycleTest, deleted_keys_are_remembered_ten_deep) {
  KeySet keys;
  for (int i = 0; i < 15; ++i)
    keys.push_back({.selector = "s" + std::to_string(i), .state = deleted});
  forget_old(keys);
  ASSERT_EQ(keys.size(), 10U);
  EXPECT_EQ(keys.front().selector, "s5");
}

struct Canary {
  KeySet keys = one_active();
  DnsFacts facts{{"s0", {RecordSeen::ours, kStart}}, {"s1", {RecordSeen::ours, kStart, kStart}}};
  RotationPolicy policy{.publishes = true, .canary = {.enabled = true}};
  Tallies tallies;

  explicit Canary(unsigned share) {
    keys.push_back({.selector = "s1", .state = verified, .algorithm = Algorithm::rsa});
    if (share != 0) EXPECT_TRUE(try_key(keys, "s1", share, {kStart, "", ""}));
  }
  [[nodiscard]] Due due(WallTime now) {
    for (auto& [selector, fact] : facts) fact.checked = now;
    return next_due(kDomain, keys, facts, policy, now, tallies);
  }
};

TEST(LifeCycleTest, a_verified_key_is_tried_first_where_that_is_asked_for) {
  Canary canary(0);
  auto due = canary.due(kStart);
  EXPECT_EQ(due.step, Step::canary);
  EXPECT_EQ(due.share, 1U);
  canary.keys.erase(canary.keys.begin());  // Nothing to compare it with.
  EXPECT_EQ(canary.due(kStart).step, Step::activate);
  canary = Canary(0);
  canary.policy.canary.enabled = false;
  EXPECT_EQ(canary.due(kStart).step, Step::activate);
}

TEST(LifeCycleTest, a_canary_goes_on_by_time_and_by_deliveries_of_both_keys) {
  Canary canary(1);
  const WallTime over = kStart + canary.policy.canary.stage;
  canary.tallies = {{"s0", {200, 0}}, {"s1", {199, 0}}};
  EXPECT_EQ(canary.due(over).step, Step::check);
  canary.tallies = {{"s0", {199, 0}}, {"s1", {200, 0}}};
  EXPECT_EQ(canary.due(over).step, Step::check);
  canary.tallies = {{"s0", {200, 0}}, {"s1", {200, 0}}};
  EXPECT_EQ(canary.due(over - 1s).at, over);
  auto due = canary.due(over);
  EXPECT_EQ(due.step, Step::canary);
  EXPECT_EQ(due.share, 10U);
  canary.keys.back().share = 10;
  due = canary.due(over);
  EXPECT_EQ(due.step, Step::activate);
  EXPECT_EQ(due.selector, "s1");
  canary.facts["s1"].seen = RecordSeen::unknown;
  EXPECT_EQ(canary.due(over).step, Step::check);
}

TEST(LifeCycleTest, a_canary_is_proven_anew_before_each_share) {
  for (const unsigned share : {0U, 1U, 10U}) {
    Canary canary(share);
    canary.tallies = {{"s0", {200, 0}}, {"s1", {200, 0}}};
    const WallTime over = kStart + canary.policy.canary.stage;
    canary.facts["s0"].checked = over;
    canary.facts["s1"].checked = over - 30min;
    const auto step = [&] {
      const auto& [keys, facts, policy, tallies] = canary;
      return next_due(kDomain, keys, facts, policy, over, tallies);
    };
    EXPECT_EQ(step().step, Step::check) << share;
    EXPECT_EQ(step().selector, "s1") << share;
    canary.facts["s1"].checked = over;
    EXPECT_EQ(step().step, share < 10 ? Step::canary : Step::activate) << share;
  }
}

TEST(LifeCycleTest, a_canary_that_is_refused_more_often_is_given_up_at_once) {
  Canary canary(10);
  canary.tallies = {{"s0", {5000, 10}}, {"s1", {0, 3}}};
  EXPECT_EQ(canary.due(kStart).step, Step::give_up);
  canary.tallies = {{"s0", {0, 0}}, {"s1", {50, 3}}};
  EXPECT_EQ(canary.due(kStart).step, Step::give_up);
  canary.tallies = {{"s0", {5000, 0}}, {"s1", {5000, 2}}};  // Too few to say, too many to go on.
  EXPECT_EQ(canary.due(kStart + 24h * 30).step, Step::check);
  canary.tallies = {{"s0", {5000, 500}}, {"s1", {5000, 500}}};
  EXPECT_EQ(canary.due(kStart + 24h * 30).step, Step::activate);
  canary.tallies = {};
  canary.facts["s1"].seen = RecordSeen::other;
  EXPECT_EQ(canary.due(kStart).step, Step::give_up);
}

TEST(LifeCycleTest, a_canary_signs_all_when_it_is_switched_off_or_the_last) {
  Canary canary(1);
  canary.policy.canary.enabled = false;
  EXPECT_EQ(canary.due(kStart).step, Step::activate);
  canary = Canary(1);
  ASSERT_TRUE(move_key(canary.keys, "s0", revoked, {kStart, "", ""}));
  canary.facts["s0"].seen = RecordSeen::revoked;
  canary.facts["s1"].seen = RecordSeen::absent;
  EXPECT_EQ(canary.due(kStart).step, Step::check);  // Unproven it signs no more than it did.
  canary.facts["s1"].seen = RecordSeen::ours;
  EXPECT_EQ(canary.due(kStart).step, Step::activate);
  ASSERT_TRUE(activate_key(canary.keys, "s1", {kStart, "", ""}));
  EXPECT_EQ(canary.keys.back().share, 0U);
}

// A world beside the machine: a zone that lags, lies and loses records, a publisher that fails, a
// program that dies between the deed and its note. The model says what must hold all the same.
class World {
 public:
  explicit World(unsigned seed, std::vector<std::string> selectors = {}) : random_(seed) {
    zone_["s0"] = Record::key;
    policy_.canary.enabled = seed % 2 == 0;
    policy_.selectors = std::move(selectors);
  }

  void step() {
    if (chance(4)) now_ += std::chrono::seconds(random_() % 7200);
    if (chance(10)) hostile_ = chance(2);
    if (chance(40)) facts_.clear();  // A restart: what was in memory is gone.
    const auto due = next_due(kDomain, keys_, facts_, policy_, now_, deliver());
    ASSERT_NE(due.step, Step::nothing);
    if (due.at > now_) {
      now_ = due.at;
      return;
    }
    perform(due);
    check();
  }
  void calm() { hostile_ = false, calm_ = true; }
  [[nodiscard]] int rotations() const { return made_; }
  [[nodiscard]] const KeySet& keys() const { return keys_; }

 private:
  enum class Record { none, key, revoked };

  void perform(const Due& due) {
    const Note note{now_, due.reason, "model"};
    const bool dies = !calm_ && chance(5);  // After the deed, before the note.
    switch (due.step) {
      case Step::create:
        if (dies) return;
        ++made_;
        forget_old(keys_);
        ASSERT_TRUE(
            enter_key(keys_, {.selector = next_selector(), .algorithm = due.algorithm}, note));
        return;
      case Step::publish:
        if (!tell(due.selector, Record::key) || dies) return;
        if (find_key(keys_, due.selector)->state == generated)
          ASSERT_TRUE(move_key(keys_, due.selector, published, note));
        return;
      case Step::check:
        return look(due.selector);
      case Step::verify:
        if (!dies) ASSERT_TRUE(move_key(keys_, due.selector, verified, note));
        return;
      case Step::canary:
        if (dies) return;
        ASSERT_EQ(zone_[due.selector], Record::key) << "tried without a record";
        ASSERT_TRUE(try_key(keys_, due.selector, due.share, note));
        return;
      case Step::activate:
        if (dies) return;
        ASSERT_EQ(zone_[due.selector], Record::key) << "activated without a record";
        ASSERT_TRUE(activate_key(keys_, due.selector, note));
        return;
      case Step::revoke: {
        const auto state = find_key(keys_, due.selector)->state;
        ASSERT_TRUE(state == retiring || state == revoked) << name_of(state);
        if (state == retiring)
          ASSERT_GE(now_, *find_key(keys_, due.selector)->since() + policy_.overlap);
        if (!tell(due.selector, Record::revoked) || dies) return;
        if (state == retiring) ASSERT_TRUE(move_key(keys_, due.selector, revoked, note));
        return;
      }
      case Step::remove:
        if (!tell(due.selector, Record::none) || dies) return;
        ASSERT_TRUE(move_key(keys_, due.selector, deleted, note));
        return;
      case Step::give_up:
        if (!dies) ASSERT_TRUE(move_key(keys_, due.selector, failed, note));
        return;
      case Step::nothing:
      case Step::confirm:
      case Step::fall_back:
        FAIL() << name_of(due.step);
    }
  }

  // Mail with every key that signs; in bad times receivers refuse some of the canary's.
  Tallies deliver() {
    Tallies tallies;
    for (const KeyEntry& key : keys_) {
      if (key.state == active) tallies[key.selector] = {1000, 0};
      if (key.state == canary)
        tallies[key.selector] = {random_() % 400, hostile_ && chance(50) ? 9U : 0U};
    }
    return tallies;
  }

  std::string next_selector() {
    if (policy_.selectors.empty()) return "s" + std::to_string(made_);
    return *free_selector(keys_, policy_.selectors);
  }

  bool tell(const std::string& selector, Record record) {
    facts_[selector].told = now_;
    if (hostile_ && chance(2)) return false;
    zone_[selector] = record;
    return true;
  }

  void look(const std::string& selector) {
    DnsFact& fact = facts_[selector];
    const bool lag = hostile_ && chance(3);
    const Record record = zone_[selector];
    fact.seen = lag                         ? RecordSeen::unknown
                : record == Record::key     ? RecordSeen::ours
                : record == Record::revoked ? RecordSeen::revoked
                                            : RecordSeen::absent;
    fact.checked = now_;
    if (fact.seen != RecordSeen::ours) fact.ours_since.reset();
    if (fact.seen == RecordSeen::ours && !fact.ours_since) fact.ours_since = now_;
    fact.wait = 300s;
  }

  void check() {
    int actives = 0;
    for (const KeyEntry& key : keys_) {
      for (std::size_t i = 1; i < key.moves.size(); ++i)
        ASSERT_TRUE(is_legal(key.moves[i - 1].to, key.moves[i].to));
      const bool on_its_way = key.state == retiring && now_ < *key.since() + policy_.overlap;
      if (key.state == active || key.state == canary || on_its_way)
        ASSERT_EQ(zone_[key.selector], Record::key) << key.selector;
      if (key.state == active) ++actives;
    }
    ASSERT_EQ(actives, 1);
    ASSERT_LE(keys_.size(), 40U);
  }

  bool chance(unsigned in) { return random_() % in == 0; }

  std::minstd_rand random_;
  RotationPolicy policy_{.publishes = true, .interval = 24h * 30};
  WallTime now_ = kStart;
  KeySet keys_ = one_active();
  DnsFacts facts_;
  std::map<std::string, Record> zone_;
  bool hostile_ = false;
  bool calm_ = false;
  int made_ = 0;
};

TEST(LifeCycleTest, no_order_of_events_leaves_a_domain_without_a_published_key) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    World world(seed);
    for (int i = 0; i < 3000 && !testing::Test::HasFatalFailure(); ++i) world.step();
    world.calm();
    const int before = world.rotations();
    for (int i = 0; i < 6000 && !testing::Test::HasFatalFailure(); ++i) world.step();
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed;
    EXPECT_GT(world.rotations(), before) << "seed " << seed;
  }
}

TEST(LifeCycleTest, stable_selectors_outlive_any_order_of_events_too) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    World world(seed, {"s0", "s1"});
    for (int i = 0; i < 3000 && !testing::Test::HasFatalFailure(); ++i) world.step();
    world.calm();
    const int before = world.rotations();
    for (int i = 0; i < 6000 && !testing::Test::HasFatalFailure(); ++i) world.step();
    ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed;
    EXPECT_GT(world.rotations(), before) << "seed " << seed;
  }
}

}  // namespace
}  // namespace signet::keys
