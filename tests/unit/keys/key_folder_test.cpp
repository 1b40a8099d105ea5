#include "keys/key_folder.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "keys/create_key.hpp"
#include "tests/unit/keys/store_fixture.hpp"

namespace signet::keys {
namespace {

const WallTime kNow(std::chrono::seconds(1'795'000'000));

class KeyFolderTest : public StoreTest {
 protected:
  StoreAccess access(StepObserver observer = {}) const {
    return {.directory = store_, .observer = std::move(observer)};
  }
  KeySet read() {
    auto keys = read_key_set(access(), domain("a.example"));
    EXPECT_TRUE(keys) << keys.error().detail;
    return keys ? *keys : KeySet{};
  }
  // Runs `work` in a process of its own that ends at the given step; true if it got that far.
  template <typename Work>
  bool ends_at_step(int step, Work work) {
    const pid_t child = fork();
    if (child == 0) {
      int count = 0;
      work([&](std::string_view) {
        if (++count == step) _exit(77);
      });
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 77;
  }
};

TEST_F(KeyFolderTest, a_lone_key_is_active_since_its_file_was_written) {
  write("a.example/s1.pem", rsa_pem());
  const auto keys = read();
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys[0].state, KeyState::active);
  EXPECT_EQ(keys[0].algorithm, Algorithm::rsa);
  EXPECT_TRUE(keys[0].fingerprint.starts_with("SHA256:"));
  EXPECT_TRUE(keys[0].since().has_value());
}

TEST_F(KeyFolderTest, a_crash_at_any_step_of_making_a_key_is_mended_by_the_next_try) {
  const auto name = domain("a.example");
  int steps = 0;
  for (int step = 1;; ++step) {
    std::filesystem::remove_all(store_ / "a.example");
    write("a.example/s1.pem", rsa_pem());
    const bool killed = ends_at_step(step, [&](StepObserver observer) {
      static_cast<void>(create_key(access(std::move(observer)), name, "e1", Algorithm::ed25519,
                                   {kNow, "new", "a test"}));
    });
    if (!killed) break;
    steps = step;
    const auto signing = read_domain(store_, name, false, kNow);
    ASSERT_TRUE(signing) << "step " << step << ": " << signing.error().detail;
    EXPECT_EQ((*signing)->keys.at(0).selector, "s1");
    const auto made = create_key(access(), name, "e1", Algorithm::ed25519, {kNow, "new", "a test"});
    ASSERT_TRUE(made) << "step " << step << ": " << made.error().detail;
    const auto keys = read();
    ASSERT_EQ(keys.size(), 2U) << step;
    EXPECT_EQ(find_key(keys, "e1")->state, KeyState::generated);
    EXPECT_EQ(find_key(keys, "e1")->fingerprint, fingerprint_of(made->key)) << step;
  }
  EXPECT_EQ(steps, 8);  // Two files, four steps each.
}

TEST_F(KeyFolderTest, a_crash_at_any_step_of_a_move_leaves_the_state_before_or_after) {
  for (int step = 1; step <= 4; ++step) {
    write("a.example/s1.pem", rsa_pem());
    std::filesystem::remove(store_ / "a.example/keyset.toml");
    EXPECT_TRUE(ends_at_step(step, [&](StepObserver observer) {
      auto folder = KeyFolder::open(access(std::move(observer)), domain("a.example"));
      auto keys = folder->read();
      static_cast<void>(move_key(*keys, "s1", KeyState::retiring, {kNow, "test", ""}));
      static_cast<void>(folder->write(*keys));
    }));
    EXPECT_EQ(read().at(0).state, step < 3 ? KeyState::active : KeyState::retiring) << step;
    EXPECT_TRUE(KeyFolder::open(access(), domain("a.example")));  // The lock went with the process.
  }
}

TEST_F(KeyFolderTest, what_could_not_be_read_again_is_not_written) {
  write("a.example/s1.pem", rsa_pem());
  auto folder = KeyFolder::open(access(), domain("a.example"));
  ASSERT_TRUE(folder);
  ASSERT_TRUE(folder->write({{.selector = "s1", .state = KeyState::active}}));
  const KeyEntry large{.selector = "s2", .fingerprint = std::string(70'000, 'x')};
  const std::vector<std::pair<KeySet, std::string>> refused{
      {{{.selector = "s1"}, {.selector = "S1"}}, "line 5: selector S1 twice"},
      {{}, "no [[key]]"},
      {{{.selector = "no selector"}}, "bad one"},
      {{large}, "over 64 KiB"}};
  for (const auto& [keys, why] : refused) {
    const auto written = folder->write(keys);
    ASSERT_FALSE(written) << why;
    EXPECT_EQ(written.error().fault, Fault::key_state_wrong);
    EXPECT_NE(written.error().detail.find(why), std::string::npos) << written.error().detail;
    EXPECT_EQ(read().size(), 1U);
  }
}

TEST_F(KeyFolderTest, a_long_history_is_cut_so_that_the_keyset_stays_readable) {
  KeySet keys;
  for (int i = 0; i < 12; ++i) {
    const auto selector = "s" + std::to_string(i) + "-" + std::string(55, 'x');
    ASSERT_TRUE(enter_key(keys, {.selector = selector}, {kNow, "new", "uid 0"}));
    for (const auto to : {KeyState::published, KeyState::verified})
      ASSERT_TRUE(move_key(keys, selector, to, {kNow + std::chrono::hours(i), "told", "uid 0"}));
  }
  const auto turn = [&keys](int n) {
    return activate_key(keys, keys[static_cast<std::size_t>(n) % keys.size()].selector,
                        {kNow + std::chrono::hours(100 + n), "unproven", "uid 0 (command line)"});
  };
  for (int n = 0; n < 12; ++n) ASSERT_TRUE(turn(n));
  const KeySet begun = keys;
  for (int n = 12; n < 12 * 40; ++n) ASSERT_TRUE(turn(n));
  ASSERT_GT(format_key_set(keys).size(), kMaxStoreFile);
  write("a.example/s.pem", rsa_pem());
  auto folder = KeyFolder::open(access(), domain("a.example"));
  const auto written = folder->write(keys);
  ASSERT_TRUE(written) << written.error().detail;
  EXPECT_GT(std::filesystem::file_size(store_ / "a.example/keyset.toml"), kMaxStoreFile - 1000);
  const auto kept = read();
  ASSERT_EQ(kept.size(), keys.size());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i].state, keys[i].state);
    EXPECT_EQ(kept[i].since(), keys[i].since());
    for (const auto to : {KeyState::published, KeyState::active, KeyState::retiring})
      EXPECT_EQ(kept[i].first(to), begun[i].first(to) ? begun[i].first(to) : keys[i].first(to))
          << i;
  }
}

TEST_F(KeyFolderTest, moves_that_are_needed_go_only_when_nothing_else_is_left) {
  using enum KeyState;
  KeySet keys{{.selector = "s1", .state = active}, {.selector = "s2"}};
  for (const auto to : {generated, active, retiring, deleted, generated, published, active,
                        retiring, active, retiring, active})
    keys[0].moves.push_back({to, kNow, "", ""});
  keys[1].moves.push_back({generated, kNow, "", ""});
  std::vector<std::size_t> left;
  while (forget_move(keys)) {
    left.push_back(keys[0].moves.size());
    if (left.size() != 5) continue;  // Of the former life its end; of this one the first and last.
    const std::vector<KeyState> needed{deleted, generated, published, active, retiring, active};
    EXPECT_TRUE(std::ranges::equal(keys[0].moves, needed, {}, &Move::to));
  }
  EXPECT_EQ(left, (std::vector<std::size_t>{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(keys[0].since(), kNow);
  EXPECT_EQ(keys[1].moves.size(), 1U);
}

TEST_F(KeyFolderTest, of_a_key_that_is_a_link_only_the_link_goes) {
  write("a.example/real/k.pem", "secret");
  std::filesystem::create_symlink("real/k.pem", store_ / "a.example/s1.pem");
  auto folder = KeyFolder::open(access(), domain("a.example"));
  ASSERT_TRUE(folder);
  ASSERT_TRUE(folder->destroy_private_key("s1"));
  EXPECT_FALSE(folder->has_private_key("s1"));
  EXPECT_TRUE(std::filesystem::exists(store_ / "a.example/real/k.pem"));
}

TEST_F(KeyFolderTest, a_destroyed_key_is_overwritten_and_gone) {
  const auto file = write("a.example/s1.pem", rsa_pem());
  const auto other_name = store_ / "witness";
  std::filesystem::create_hard_link(file, other_name);
  auto folder = KeyFolder::open(access(), domain("a.example"));
  ASSERT_TRUE(folder);
  ASSERT_TRUE(folder->destroy_private_key("s1"));
  ASSERT_TRUE(folder->destroy_private_key("s1"));
  EXPECT_FALSE(std::filesystem::exists(file));
  std::ifstream stream(other_name);
  const std::string left(std::istreambuf_iterator<char>(stream), {});
  EXPECT_EQ(left, std::string(rsa_pem().size(), '\0'));
}

TEST_F(KeyFolderTest, who_comes_second_waits_for_the_lock) {
  write("a.example/s1.pem", rsa_pem());
  std::optional<KeyFolder> first(std::move(*KeyFolder::open(access(), domain("a.example"))));
  std::atomic<bool> opened{false};
  std::thread second([&] {
    const auto folder = KeyFolder::open(access(), domain("a.example"));
    opened = folder.has_value();
  });
  EXPECT_TRUE(KeyFolder::open(access(), domain("b.example"), true));  // Others are free.
  EXPECT_FALSE(opened);
  first.reset();
  second.join();
  EXPECT_TRUE(opened);
}

TEST_F(KeyFolderTest, a_store_that_is_not_ours_to_write_signs_but_says_so) {
  write("a.example/s1.pem", rsa_pem(), 0600);
  std::filesystem::permissions(store_, std::filesystem::perms(0755));
  std::filesystem::permissions(store_ / "a.example", std::filesystem::perms(0755));
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && seteuid(65534) != 0) _exit(1);
    if (geteuid() != 65534) chmod((store_ / "a.example").c_str(), 0555);
    auto folder = KeyFolder::open(access(), domain("a.example"));
    if (!folder) _exit(2);
    const auto written = folder->write({{.selector = "s1", .state = KeyState::active}});
    if (written) _exit(3);
    if (written.error().fault != Fault::store_read_only) _exit(4);
    _exit(written.error().detail.find("can't be changed") == std::string::npos ? 5 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  chmod((store_ / "a.example").c_str(), 0755);
  EXPECT_TRUE(read_domain(store_, domain("a.example"), false, kNow));
}

}  // namespace
}  // namespace signet::keys
