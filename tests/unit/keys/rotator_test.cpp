#include "keys/rotator.hpp"

#include <algorithm>

#include "tests/unit/keys/store_fixture.hpp"

namespace signet::keys {
namespace {

using namespace std::chrono_literals;

class SetClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return time; }
  [[nodiscard]] SteadyTime steady() const override { return {}; }
  WallTime time{1'795'000'000s};
};

/// Notes what it is told: "set NAME" or "delete NAME".
class NotedPublisher final : public Publisher {
 public:
  [[nodiscard]] Result<void> publish(const RecordChange& change) override {
    told.push_back((change.value ? "set " : "delete ") + change.name);
    if (fails) return fail(Fault::publisher_failed, "out of order");
    return {};
  }
  [[nodiscard]] bool acts() const override { return does_act; }

  std::vector<std::string> told;
  bool fails = false;
  bool does_act = true;
};

/// Every record is as it says.
class ToldProof final : public RecordProof {
 public:
  [[nodiscard]] Seen look(const std::string& name, const std::string& /*expected*/) override {
    asked.push_back(name);
    return seen;
  }

  std::vector<std::string> asked;
  Seen seen{RecordSeen::ours, 60s, ""};
};

// The keys are of Ed25519, which are made in no time.
class RotatorTest : public StoreTest {
 protected:
  struct Key {
    std::string selector;
    std::string state;
    std::chrono::seconds age = 1h;
  };
  void write_keys(const std::vector<Key>& keys) {
    std::string text;
    for (const auto& [selector, state, age] : keys) {
      text += "[[key]]\nselector = \"" + selector + "\"\nstate = \"" + state +
              "\"\nalgorithm = \"ed25519-sha256\"\n[[key.move]]\nto = \"" + state + "\"\nat = \"" +
              format_time(clock_.time - age) + "\"\n";
      write("a.example/" + selector + ".pem", ed25519_pem());
    }
    write("a.example/keyset.toml", text);
  }
  Rotator rotator(RotationPolicy policy) {
    return {
        {.store = {.directory = store_}, .policy = std::move(policy)}, publisher_, proof_, clock_};
  }
  KeyState state(Rotator& rotator, const std::string& selector) {
    const auto report = rotator.look(domain_);
    return find_key(report->keys, selector)->state;
  }

  const Domain domain_ = domain("a.example");
  SetClock clock_;
  NotedPublisher publisher_;
  ToldProof proof_;
};

TEST_F(RotatorTest, a_private_key_that_can_not_be_read_is_no_fault_of_the_dns) {
  write_keys({{"old", "retiring"}, {"new", "active"}});
  std::filesystem::permissions(store_ / "a.example/new.pem", std::filesystem::perms(0644));
  auto rotator = this->rotator({.falls_back = true});
  const auto report = rotator.advance(domain_, false);
  ASSERT_TRUE(report) << report.error().detail;
  const auto& fact = report->facts.at("new");
  EXPECT_EQ(fact.seen, RecordSeen::unknown);
  EXPECT_NE(fact.detail.find("new.pem"), std::string::npos) << fact.detail;
  EXPECT_TRUE(proof_.asked.empty());
  EXPECT_EQ(state(rotator, "new"), KeyState::active);
}

TEST_F(RotatorTest, a_publisher_that_fails_is_called_once_in_a_walk) {
  write_keys({{"s0", "active"}, {"s1", "failed", 24h * 30}, {"s2", "failed", 24h * 30}});
  publisher_.fails = true;
  auto rotator = this->rotator({.publishes = true});
  ASSERT_TRUE(rotator.advance(domain_, true));
  EXPECT_EQ(publisher_.told.size(), 1U);
  ASSERT_TRUE(rotator.advance(domain_, true));
  const std::vector<std::string> each{"delete s1._domainkey.a.example",
                                      "delete s2._domainkey.a.example"};
  EXPECT_EQ(publisher_.told, each);
  ASSERT_TRUE(rotator.advance(domain_, true));
  EXPECT_EQ(publisher_.told, each);
  publisher_.fails = false;
  clock_.time += RotationPolicy().republish;
  ASSERT_TRUE(rotator.advance(domain_, true));
  EXPECT_EQ(state(rotator, "s1"), KeyState::deleted);
  EXPECT_EQ(state(rotator, "s2"), KeyState::deleted);
}

TEST_F(RotatorTest, a_stop_ends_the_steps_of_a_domain) {
  write_keys({{"s0", "active"}, {"s1", "failed", 24h * 30}});
  auto rotator = this->rotator({.publishes = true});
  rotator.stop();
  ASSERT_TRUE(rotator.advance(domain_, true));
  EXPECT_TRUE(publisher_.told.empty() && proof_.asked.empty());
}

TEST_F(RotatorTest, a_rotation_that_may_not_begin_keeps_no_other_key_waiting) {
  write_keys({{"s1", "active", 24h * 365}, {"s0", "retiring", 24h * 365}});
  auto rotator = this->rotator({.publishes = true});
  const auto report = rotator.advance(domain_, false);
  ASSERT_TRUE(report);
  EXPECT_EQ(find_key(report->keys, "s0")->state, KeyState::revoked);
  EXPECT_FALSE(report->rotating);
  EXPECT_EQ(report->next.step, Step::create);
  const auto begun = rotator.advance(domain_, true);
  ASSERT_TRUE(begun);
  EXPECT_TRUE(begun->rotating);
}

TEST_F(RotatorTest, a_key_without_its_private_half_after_a_crash_is_made_again) {
  for (const bool asked : {false, true}) {
    write_keys({{"s0", "active"}, {"s1", "generated"}});
    const auto pem = store_ / "a.example/s1.pem";
    std::filesystem::remove(pem);
    proof_.seen.seen = RecordSeen::absent;
    auto rotator = this->rotator({});  // By hand: nothing is published that would mend it.
    if (asked) {
      const auto begun = rotator.begin(domain_, Algorithm::ed25519);
      ASSERT_TRUE(begun);
      EXPECT_EQ(begun->selector, "s1");
    } else {
      ASSERT_TRUE(rotator.advance(domain_, true));
    }
    ASSERT_TRUE(std::filesystem::exists(pem));
    const auto report = rotator.look(domain_);
    EXPECT_TRUE(rotator.record_of(domain_, *find_key(report->keys, "s1")));
  }
}

TEST_F(RotatorTest, a_record_published_by_hand_counts_from_when_it_was_first_seen) {
  write_keys({{"s0", "active"}, {"s1", "generated"}});
  publisher_.does_act = false;
  ASSERT_TRUE(rotator({}).publish(domain_, "s1"));
  const auto activate = [&] { return rotator({}).activate(domain_, "s1", false); };
  proof_.seen.seen = RecordSeen::absent;
  clock_.time += 1h;
  EXPECT_FALSE(activate());
  proof_.seen.seen = RecordSeen::ours;
  const auto early = activate();
  ASSERT_FALSE(early);
  const auto until = format_time(clock_.time + proof_.seen.negative_ttl);
  EXPECT_NE(early.error().detail.find(until), std::string::npos) << early.error().detail;
  clock_.time += 59s;
  EXPECT_FALSE(activate());
  clock_.time += 1s;
  EXPECT_TRUE(activate());
}

TEST_F(RotatorTest, a_record_given_to_a_publisher_counts_from_when_all_servers_have_it) {
  write_keys({{"s0", "active"}, {"s1", "generated"}});
  ASSERT_TRUE(rotator({}).publish(domain_, "s1"));
  const auto activate = [&] { return rotator({}).activate(domain_, "s1", false); };
  proof_.seen.seen = RecordSeen::other;  // A secondary lags.
  clock_.time += 1h;
  EXPECT_FALSE(activate());
  proof_.seen.seen = RecordSeen::ours;
  EXPECT_FALSE(activate()) << "the last server said a moment ago that it is absent";
  clock_.time += 59s;
  EXPECT_FALSE(activate());
  clock_.time += 1s;
  const auto active = activate();
  ASSERT_TRUE(active) << active.error().detail;
  EXPECT_EQ(active->state, KeyState::active);
}

TEST_F(RotatorTest, a_domain_whose_keys_leave_no_selector_says_how_many_it_takes) {
  write_keys({{"S1", "active", 24h * 365}, {"s2", "retiring"}});
  const auto report = [&](std::vector<std::string> selectors) {
    auto rotator = Rotator({.store = {.directory = store_},
                            .policy = {.selectors = std::move(selectors)},
                            .delegate_to = domain("dkim.example")},
                           publisher_, proof_, clock_);
    const auto begun = rotator.begin(domain_, Algorithm::ed25519);
    return rotator.look(domain_)->barred + (begun ? "" : "; " + begun.error().detail);
  };
  EXPECT_EQ(report({"s1", "s2"}),
            "; all selectors that have a CNAME are in use: wait until an old key is deleted");
  write_keys({{"S1", "active", 24h * 365}, {"s2", "active"}});
  const auto barred = report({"s1", "s2"});
  EXPECT_NE(barred.find("to rotate them takes 3"), std::string::npos) << barred;
  EXPECT_EQ(report({"s1", "s2", "s3"}), "");
}

TEST_F(RotatorTest, a_key_that_never_was_published_is_revoked_once_for_all) {
  write_keys({{"s0", "active"}, {"s1", "generated"}});
  auto rotator = this->rotator({});
  for (int i = 0; i < 2; ++i) {
    const auto revoked = rotator.revoke(domain_, "s1");
    ASSERT_TRUE(revoked);
    EXPECT_EQ(revoked->state, KeyState::failed);
  }
  EXPECT_TRUE(publisher_.told.empty());
}

TEST_F(RotatorTest, a_record_beside_the_delegated_ones_is_given_to_nobody) {
  write_keys({{"s0", "active"}, {"own", "generated"}});
  auto rotator = Rotator({.store = {.directory = store_},
                          .policy = {.selectors = {"s0", "s1"}},
                          .delegate_to = domain("dkim.example")},
                         publisher_, proof_, clock_);
  ASSERT_TRUE(rotator.publish(domain_, "own"));
  EXPECT_TRUE(publisher_.told.empty());
  EXPECT_FALSE(*rotator.publishes(domain_, "own"));
  EXPECT_TRUE(*rotator.publishes(domain_, "s0"));
  clock_.time += 60s;
  EXPECT_FALSE(rotator.activate(domain_, "own", false));
  clock_.time += 60s;
  EXPECT_TRUE(rotator.activate(domain_, "own", false));
}

TEST_F(RotatorTest, the_longest_wait_that_was_seen_counts) {
  write_keys({{"s0", "active"}, {"s1", "published"}});
  auto rotator = this->rotator({});
  proof_.seen = {RecordSeen::absent, 600s, ""};
  ASSERT_TRUE(rotator.advance(domain_, true));
  clock_.time += RotationPolicy().poll;
  proof_.seen = {RecordSeen::ours, 60s, ""};
  ASSERT_TRUE(rotator.advance(domain_, true));
  for (const auto passed : {60s, 539s}) {
    clock_.time += passed;
    ASSERT_TRUE(rotator.advance(domain_, true));
    EXPECT_EQ(state(rotator, "s1"), KeyState::published);
  }
  clock_.time += 1s;
  ASSERT_TRUE(rotator.advance(domain_, true));
  EXPECT_EQ(state(rotator, "s1"), KeyState::active);
}

TEST_F(RotatorTest, what_another_put_at_the_selector_is_waited_for_whoever_activates_the_key) {
  for (const bool by_hand : {false, true}) {
    write_keys({{"s0", "active"}, {"s1", "generated"}});
    publisher_.does_act = !by_hand;
    const auto activate = [&] { return rotator({}).activate(domain_, "s1", false); };
    proof_.seen = {RecordSeen::other, 60s, "another key", 3600s};
    ASSERT_TRUE(rotator({}).publish(domain_, "s1"));
    if (by_hand) EXPECT_FALSE(activate());
    proof_.seen = {RecordSeen::ours, 60s, ""};
    EXPECT_FALSE(activate());
    clock_.time += 3599s;
    EXPECT_FALSE(activate()) << by_hand;
    clock_.time += 1s;
    EXPECT_TRUE(activate()) << by_hand;
  }
}

TEST_F(RotatorTest, a_rotation_waits_for_what_another_put_at_the_selector) {
  write_keys({{"s0", "active"}, {"s1", "generated"}});
  proof_.seen = {RecordSeen::revoked, 60s, "p= is empty", 3600s};
  auto rotator = this->rotator({.publishes = true});
  ASSERT_TRUE(rotator.advance(domain_, true));
  proof_.seen = {RecordSeen::ours, 60s, ""};
  clock_.time += RotationPolicy().poll;
  ASSERT_TRUE(rotator.advance(domain_, true));
  clock_.time += 3599s;
  ASSERT_TRUE(rotator.advance(domain_, true));
  EXPECT_EQ(state(rotator, "s1"), KeyState::published);
  clock_.time += 1s;
  ASSERT_TRUE(rotator.advance(domain_, true));
  EXPECT_EQ(state(rotator, "s1"), KeyState::active);
}

}  // namespace
}  // namespace signet::keys
