#include "relay/align/predictor.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "tests/support/run_task.hpp"
#include "tests/unit/align/txt_zone.hpp"

namespace signet::align {
namespace {

using namespace std::chrono_literals;

class HandClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return WallTime{}; }
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime(time); }
  std::chrono::steady_clock::duration time = 1h;
};

struct SpfBook {
  std::map<std::string, SpfOutcome> results;
  std::chrono::seconds ttl = 300s;
  int asked = 0;
  bool depends_on_local = false;
};

net::Task<SpfResult> look_up(SpfBook* book, net::Loop* loop, SpfQuestion question) {
  ++book->asked;
  co_await loop->turn();
  SpfResult result;
  const auto found =
      book->results.find(question.sender_domain + " " + question.address.to_string());
  if (found != book->results.end()) result.outcome = found->second;
  result.ttl = book->ttl;
  result.depends_on_local = book->depends_on_local;
  if (book->depends_on_local && question.sender_local == "mallory")
    result.outcome = SpfOutcome::fail;
  co_return result;
}

std::shared_ptr<const keys::SigningDomain> signing_domain(const std::string& name) {
  auto made = std::make_shared<keys::SigningDomain>(
      keys::SigningDomain{.name = *Domain::parse(name), .keys = {}});
  made->keys.push_back({"s", keys::PrivateKey::generate(keys::Algorithm::rsa).value()});
  return made;
}

class PredictorTest : public testing::Test {
 protected:
  PredictorTest() {
    const auto& key = domain_->keys.front().key;
    const std::string record = key.dns_record();
    zone_.txt("s._domainkey.example.com",
              std::vector<std::string>{record.substr(0, 200), record.substr(200)});
    zone_.txt("_dmarc.example.com", std::string("v=DMARC1; p=reject"));
    book_.results["example.com 192.0.2.1"] = SpfOutcome::pass;
    book_.results["example.com 192.0.2.2"] = SpfOutcome::fail;
  }
  Question question() const {
    return {.author = *Domain::parse("example.com"),
            .sender = Mailbox{"alice", *Domain::parse("example.com")},
            .points = {{*IpAddress::parse("192.0.2.1"), "mx.example.com"},
                       {*IpAddress::parse("192.0.2.2"), "mx.example.com"}},
            .keys = {{domain_, 0}}};
  }
  Verdict predict(Question asked) {
    if (auto known = predictor_.cached(asked)) return decide_verdict(*known);
    auto evidence = test::run_task(
        loop_,
        predictor_.gather(std::make_shared<Question>(std::move(asked)), clock_.steady() + 10s));
    return decide_verdict(evidence);
  }
  void count(CacheKind kind, CacheEvent event) { ++events_[{kind, event}]; }

  static inline const std::shared_ptr<const keys::SigningDomain> domain_ =
      signing_domain("example.com");
  net::Loop loop_;
  HandClock clock_;
  TxtZone zone_;
  SpfBook book_;
  PublicSuffixes suffixes_;
  std::map<std::pair<CacheKind, CacheEvent>, int> events_;
  Predictor predictor_{
      zone_,
      loop_,
      clock_,
      suffixes_,
      {.check_host = [this](net::Resolver&, net::Loop& loop, SpfQuestion asked,
                            SpfLimits) { return look_up(&book_, &loop, std::move(asked)); },
       .on_cache = [this](CacheKind kind, CacheEvent event) { count(kind, event); }}};
};

TEST_F(PredictorTest, knows_the_worst_address_and_the_key) {
  const auto verdict = predict(question());
  EXPECT_EQ(verdict.result, VerdictResult::pass);
  EXPECT_EQ(verdict.strict, VerdictResult::fail);
  EXPECT_EQ(verdict.words, "SPF of example.com does not list 192.0.2.2");
  Question unsigned_mail = question();
  unsigned_mail.keys.clear();
  EXPECT_EQ(predict(unsigned_mail).result, VerdictResult::fail);
  unsigned_mail.points.pop_back();
  EXPECT_EQ(predict(unsigned_mail).reason, VerdictReason::aligned_by_spf_alone);
}

TEST_F(PredictorTest, asks_once) {
  predict(question());
  const auto asked = zone_.asked().size();
  EXPECT_EQ(book_.asked, 2);
  predict(question());
  EXPECT_TRUE(predictor_.cached(question()));
  EXPECT_EQ(zone_.asked().size(), asked);
  EXPECT_EQ(book_.asked, 2);
}

TEST_F(PredictorTest, two_messages_at_once_are_one_question) {
  const auto asked = std::make_shared<Question>(question());
  net::TaskScope scope;
  int done = 0;
  const auto deadline = clock_.steady() + 10s;
  const auto one = [](Predictor* predictor, std::shared_ptr<Question> mine, SteadyTime until,
                      int* count, net::Loop* loop) -> net::Task<void> {
    (void)co_await predictor->gather(mine, until);
    if (++*count == 2) loop->stop();
  };
  scope.spawn(one(&predictor_, asked, deadline, &done, &loop_));
  scope.spawn(one(&predictor_, asked, deadline, &done, &loop_));
  loop_.run();
  EXPECT_EQ(book_.asked, 2);
  EXPECT_EQ(std::ranges::count(zone_.asked(), "s._domainkey.example.com"), 1);
}

TEST_F(PredictorTest, clamps_the_time_to_live) {
  book_.ttl = 0s;
  zone_.ttl = 0s;
  predict(question());
  clock_.time += 20s;
  EXPECT_TRUE(predictor_.cached(question()));
  clock_.time += 11s;
  EXPECT_FALSE(predictor_.cached(question()));
  book_.ttl = 2147483647s;
  zone_.ttl = 2147483647s;
  predict(question());
  clock_.time += 23h;
  EXPECT_TRUE(predictor_.cached(question()));
  clock_.time += 2h;
  EXPECT_FALSE(predictor_.cached(question()));
}

TEST_F(PredictorTest, refreshes_ahead_of_expiry_without_waiting) {
  predict(question());
  book_.results["example.com 192.0.2.2"] = SpfOutcome::pass;
  clock_.time += 280s;
  EXPECT_TRUE(predictor_.cached(question()));
  EXPECT_EQ((events_[{CacheKind::spf, CacheEvent::refresh}]), 2);
  for (int i = 0; i < 50; ++i) {
    test::run_task(loop_,
                   [](net::Loop* loop) -> net::Task<void> { co_await loop->turn(); }(&loop_));
  }
  clock_.time += 100s;
  const auto known = predictor_.cached(question());
  ASSERT_TRUE(known);
  EXPECT_EQ(decide_verdict(*known).strict, VerdictResult::pass);
  EXPECT_EQ(book_.asked, 4);
}

// B60.
TEST_F(PredictorTest, an_error_is_unknown_and_soon_asked_again) {
  zone_.fails("s._domainkey.example.com").fails("_dmarc.example.com");
  EXPECT_EQ(predict(question()).result, VerdictResult::unknown);
  EXPECT_EQ(predict(question()).policy.discovery, Discovery::unknown);
  zone_.mend("s._domainkey.example.com");
  zone_.mend("_dmarc.example.com");
  clock_.time += 31s;
  EXPECT_EQ(predict(question()).result, VerdictResult::pass);
}

TEST_F(PredictorTest, an_error_does_not_replace_what_still_lives) {
  predict(question());
  zone_.fails("s._domainkey.example.com");
  clock_.time += 280s;
  EXPECT_TRUE(predictor_.cached(question()));
  for (int i = 0; i < 50; ++i) {
    test::run_task(loop_,
                   [](net::Loop* loop) -> net::Task<void> { co_await loop->turn(); }(&loop_));
  }
  EXPECT_EQ(predict(question()).result, VerdictResult::pass);
}

TEST_F(PredictorTest, past_the_deadline_the_verdict_is_unknown) {
  const auto asked = std::make_shared<Question>(question());
  const auto evidence = test::run_task(loop_, predictor_.gather(asked, clock_.steady()));
  EXPECT_TRUE(evidence.deadline_passed);
  EXPECT_EQ(decide_verdict(evidence).reason, VerdictReason::deadline);
  EXPECT_EQ(decide_verdict(evidence).result, VerdictResult::unknown);
}

TEST_F(PredictorTest, the_null_sender_is_postmaster_at_the_helo_domain) {
  Question asked = question();
  asked.sender.reset();
  asked.keys.clear();
  book_.results["mx.example.com 192.0.2.1"] = SpfOutcome::pass;
  book_.results["mx.example.com 192.0.2.2"] = SpfOutcome::pass;
  EXPECT_EQ(predict(asked).reason, VerdictReason::aligned_by_spf_alone);
}

// RFC 7208 7.2: %{l} and %{s}.
TEST_F(PredictorTest, a_record_that_asks_for_the_local_part_is_judged_for_each) {
  book_.depends_on_local = true;
  Question asked = question();
  asked.keys.clear();
  asked.points.pop_back();
  EXPECT_EQ(predict(asked).result, VerdictResult::pass);
  Question other = asked;
  other.sender->local = "mallory";
  EXPECT_EQ(predict(other).result, VerdictResult::fail);
  EXPECT_EQ(predict(asked).result, VerdictResult::pass);
  const int before = book_.asked;
  EXPECT_TRUE(predictor_.cached(asked) && predictor_.cached(other));
  EXPECT_EQ(book_.asked, before);
}

TEST_F(PredictorTest, a_changed_key_is_judged_anew) {
  EXPECT_EQ(predict(question()).result, VerdictResult::pass);
  Question asked = question();
  asked.keys = {{signing_domain("example.com"), 0}};
  EXPECT_EQ(predict(asked).reason, VerdictReason::key_differs);
  EXPECT_EQ(predict(question()).result, VerdictResult::pass);
}

TEST_F(PredictorTest, np_counts_for_an_author_domain_that_does_not_exist) {
  zone_.remove("_dmarc.example.com");
  zone_.txt("_dmarc.example.com", std::string("v=DMARC1; p=none; np=reject"));
  zone_.empty("there.example.com");
  Question asked = question();
  asked.author = *Domain::parse("there.example.com");
  EXPECT_EQ(predict(asked).policy.policy, DmarcPolicy::none);
  asked.author = *Domain::parse("nowhere.example.com");
  EXPECT_EQ(predict(asked).policy.policy, DmarcPolicy::reject);
}

TEST_F(PredictorTest, foreign_signatures_count_by_their_worth) {
  Question asked = question();
  asked.keys.clear();
  asked.is_foreign = true;
  EXPECT_EQ(predict(asked).reason, VerdictReason::foreign_invalid);
  asked.signatures = {{.domain = "example.com", .name = "x", .worth = SignatureWorth::usable}};
  EXPECT_EQ(predict(asked).reason, VerdictReason::aligned);
  asked.signatures = {{.domain = "other.example", .name = "x", .worth = SignatureWorth::usable}};
  EXPECT_EQ(predict(asked).result, VerdictResult::fail);
}

TEST_F(PredictorTest, knows_what_it_was_told_of_an_address) {
  const EgressPoint point{*IpAddress::parse("192.0.2.2"), "mx.example.com"};
  EXPECT_FALSE(predictor_.known_spf(question().sender, point));
  predict(question());
  EXPECT_EQ(predictor_.known_spf(question().sender, point), SpfOutcome::fail);
}

TEST(DerivedCacheTest, is_bounded_by_its_capacity) {
  net::Loop loop;
  HandClock clock;
  DerivedCache<int> cache(loop, clock, {.capacity = 3});
  const auto make = [](int value) -> DerivedCache<int>::Make {
    return [value]() -> net::Task<DerivedCache<int>::Made> {
      return [](int of) -> net::Task<DerivedCache<int>::Made> {
        co_return DerivedCache<int>::Made{of, 60s};
      }(value);
    };
  };
  for (int i = 0; i < 3; ++i) cache.start(std::to_string(i), make(i));
  (void)cache.find("0", [&] { return make(0); });
  cache.start("3", make(3));
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_TRUE(cache.peek("0"));
  EXPECT_FALSE(cache.peek("1"));
  EXPECT_TRUE(cache.peek("3"));
}

}  // namespace
}  // namespace signet::align
