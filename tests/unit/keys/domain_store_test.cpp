#include "keys/domain_store.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <thread>

#include "tests/unit/keys/store_fixture.hpp"

namespace signet::keys {
namespace {

namespace fs = std::filesystem;
using Answer = Result<std::shared_ptr<const SigningDomain>>;
using namespace std::chrono_literals;

class FakeClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return WallTime{}; }
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime(elapsed); }
  std::chrono::nanoseconds elapsed{1h};
};

// A pool that works when told to.
class HeldPool final : public Executor {
 public:
  void post(Work work) override { waiting.push_back(std::move(work)); }
  void run_all() {
    while (!waiting.empty()) {
      auto work = std::move(waiting.front());
      waiting.pop_front();
      work();
    }
  }
  std::deque<Work> waiting;
};

net::Task<void> ask(DomainStore& store, net::Loop& loop, Domain name, std::optional<Answer>& out) {
  out = co_await store.find(loop, std::move(name));
}

class DomainStoreTest : public StoreTest {
 protected:
  void SetUp() override { open(100); }
  void open(std::size_t capacity) {
    domains_.emplace(DomainStore::Options{.directory = store_, .capacity = capacity}, pool_,
                     clock_);
    domains_->on_failure([this](const Domain& name, const Error& error) {
      failures_.push_back(name.text() + ": " + error.detail);
    });
  }

  // Asks, lets the pool and the loop run, and gives the answer.
  Answer find(std::string_view name) {
    std::optional<Answer> answer;
    tasks_.spawn(ask(*domains_, loop_, domain(name), answer));
    settle();
    return answer ? std::move(*answer) : Answer(fail(Fault::timed_out));
  }
  void settle() {
    pool_.run_all();
    loop_.post([this] { loop_.stop(); });
    loop_.run();
  }
  std::size_t reads_needed(std::string_view name) {
    std::optional<Answer> answer;
    tasks_.spawn(ask(*domains_, loop_, domain(name), answer));
    const auto reads = pool_.waiting.size();
    settle();
    return reads;
  }
  FakeClock clock_;
  HeldPool pool_;
  net::Loop loop_;
  net::TaskScope tasks_;
  std::vector<std::string> failures_;
  std::optional<DomainStore> domains_;
};

TEST_F(DomainStoreTest, reads_once_and_then_answers_from_memory) {
  write("a.example/s1.pem", rsa_pem());
  EXPECT_EQ(domains_->peek(domain("a.example")), nullptr);
  const auto first = find("a.example");
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(domains_->peek(domain("a.example")), *first);
  clock_.elapsed += 4999ms;
  EXPECT_EQ(reads_needed("a.example"), 0U);
  EXPECT_EQ(domains_->peek(domain("a.example")), *first);
  clock_.elapsed += 1ms;
  EXPECT_EQ(domains_->peek(domain("a.example")), nullptr);
  EXPECT_EQ(reads_needed("a.example"), 1U);
}

TEST_F(DomainStoreTest, one_read_serves_all_who_wait) {
  write("a.example/s1.pem", rsa_pem());
  std::vector<std::optional<Answer>> answers(5);
  for (auto& answer : answers) tasks_.spawn(ask(*domains_, loop_, domain("a.example"), answer));
  EXPECT_EQ(pool_.waiting.size(), 1U);
  settle();
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ(**answer, *answers.front().value());
  }
}

TEST_F(DomainStoreTest, a_new_key_counts_after_the_recheck_time) {
  EXPECT_EQ(find("a.example").error().fault, Fault::not_found);
  write("a.example/s1.pem", rsa_pem());
  EXPECT_EQ(find("a.example").error().fault, Fault::not_found);
  clock_.elapsed += 5s;
  EXPECT_TRUE(find("a.example"));
  write("a.example/s2.pem", rsa_pem());
  write("a.example/keyset.toml", "[[key]]\nselector='s2'\nstate='active'\n");
  clock_.elapsed += 5s;
  EXPECT_EQ((*find("a.example"))->keys[0].selector, "s2");
}

TEST_F(DomainStoreTest, keeps_the_last_good_keys_and_says_so_once) {
  write("a.example/s1.pem", rsa_pem());
  const auto good = find("a.example");
  ASSERT_TRUE(good);
  write("a.example/s1.pem", "broken");
  for (int i = 0; i < 3; ++i) {
    clock_.elapsed += 5s;
    const auto kept = find("a.example");
    ASSERT_TRUE(kept);
    EXPECT_EQ(*kept, *good);
  }
  ASSERT_EQ(failures_.size(), 1U);
  EXPECT_NE(failures_[0].find("a.example: "), std::string::npos);
  write("a.example/s1.pem", rsa_pem());
  clock_.elapsed += 5s;
  const auto mended = find("a.example");
  ASSERT_TRUE(mended);
  EXPECT_NE(*mended, *good);
}

TEST_F(DomainStoreTest, a_revoked_key_is_not_a_last_good_one) {
  write("a.example/s1.pem", rsa_pem());
  ASSERT_TRUE(find("a.example"));
  write("a.example/keyset.toml", "[[key]]\nselector='s1'\nstate='revoked'\n");
  clock_.elapsed += 5s;
  const auto answer = find("a.example");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().fault, Fault::no_active_key);
}

TEST_F(DomainStoreTest, half_a_keyset_leaves_the_last_good_keys_and_other_domains_alone) {
  write("a.example/s1.pem", rsa_pem());
  write("b.example/s1.pem", rsa_pem());
  const auto good = find("a.example");
  ASSERT_TRUE(good);
  write("a.example/keyset.toml", "[[key]]\nselector='s1'\nsta");
  clock_.elapsed += 5s;
  EXPECT_EQ(*find("a.example"), *good);
  EXPECT_TRUE(find("b.example"));
  ASSERT_EQ(failures_.size(), 1U);
  EXPECT_NE(failures_[0].find("a.example/keyset.toml: line 3"), std::string::npos) << failures_[0];
}

TEST_F(DomainStoreTest, a_removed_domain_is_not_found) {
  write("a.example/s1.pem", rsa_pem());
  ASSERT_TRUE(find("a.example"));
  fs::remove_all(store_ / "a.example");
  clock_.elapsed += 5s;
  EXPECT_EQ(find("a.example").error().fault, Fault::not_found);
  EXPECT_TRUE(failures_.empty());
}

TEST_F(DomainStoreTest, an_unusable_domain_is_an_error_of_its_own) {
  write("a.example/s1.pem", "broken");
  EXPECT_EQ(find("a.example").error().fault, Fault::key_unavailable);
  EXPECT_EQ(reads_needed("a.example"), 0U);
}

TEST_F(DomainStoreTest, the_least_recently_used_domain_goes) {
  open(2);
  for (const auto* name : {"a.example", "b.example", "c.example"})
    write(fs::path(name) / "s1.pem", rsa_pem());
  ASSERT_TRUE(find("a.example"));
  ASSERT_TRUE(find("b.example"));
  EXPECT_NE(domains_->peek(domain("a.example")), nullptr);
  ASSERT_TRUE(find("c.example"));
  EXPECT_NE(domains_->peek(domain("a.example")), nullptr);
  EXPECT_EQ(domains_->peek(domain("b.example")), nullptr);
  EXPECT_NE(domains_->peek(domain("c.example")), nullptr);
}

TEST_F(DomainStoreTest, an_asker_that_goes_away_does_no_harm) {
  write("a.example/s1.pem", rsa_pem());
  std::optional<Answer> answer;
  {
    net::TaskScope tasks;
    tasks.spawn(ask(*domains_, loop_, domain("a.example"), answer));
  }
  settle();
  EXPECT_FALSE(answer);
  EXPECT_NE(domains_->peek(domain("a.example")), nullptr);
}

TEST_F(DomainStoreTest, work_on_the_pool_may_end_after_the_store) {
  write("a.example/s1.pem", rsa_pem());
  std::optional<Answer> answer;
  {
    net::TaskScope tasks;
    tasks.spawn(ask(*domains_, loop_, domain("a.example"), answer));
  }
  domains_.reset();
  settle();
}

TEST_F(DomainStoreTest, lists_directories_that_are_domains) {
  write("b.example/s1.pem", "");
  write("a.example/s1.pem", "");
  write("file.example", "");
  write("..data/s1.pem", "");
  write("Not A Domain/s1.pem", "");
  const auto listed = domains_->list();
  ASSERT_TRUE(listed);
  EXPECT_EQ(*listed, (std::vector<Domain>{domain("a.example"), domain("b.example")}));
}

TEST_F(DomainStoreTest, answers_several_loops_from_a_real_pool) {
  for (const auto* name : {"a.example", "b.example"}) write(fs::path(name) / "s1.pem", rsa_pem());
  net::BlockingPool pool(2);
  const SystemClock clock;
  DomainStore store({.directory = store_, .recheck = 0ms}, pool, clock);
  const auto work = [&] {
    net::Loop loop;
    net::TaskScope tasks;
    int running = 2;
    const auto ask_often = [](DomainStore& from, net::Loop& on, Domain name,
                              int& left) -> net::Task<void> {
      for (int i = 0; i < 100; ++i) {
        const auto found = co_await from.find(on, name);
        EXPECT_TRUE(found);
      }
      if (--left == 0) on.stop();
    };
    loop.post([&] {
      tasks.spawn(ask_often(store, loop, domain("a.example"), running));
      tasks.spawn(ask_often(store, loop, domain("b.example"), running));
    });
    loop.run();
  };
  std::thread other(work);
  work();
  other.join();
}

}  // namespace
}  // namespace signet::keys
