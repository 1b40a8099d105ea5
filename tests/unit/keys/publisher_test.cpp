#include "keys/publisher.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <future>
#include <regex>
#include <thread>

#include "tests/unit/keys/store_fixture.hpp"

namespace signet::keys {
namespace {

using namespace std::chrono_literals;

TEST(PublisherTest, long_values_become_strings_of_255_octets) {
  EXPECT_EQ(character_strings("").size(), 1U);
  EXPECT_EQ(character_strings(std::string(255, 'x')).size(), 1U);
  const auto strings = character_strings(std::string(256, 'x'));
  ASSERT_EQ(strings.size(), 2U);
  EXPECT_EQ(strings[1], "x");
}

class UpdatePublisherTest : public StoreTest {};

TEST_F(UpdatePublisherTest, a_secret_that_is_none_is_named_before_anything_is_sent) {
  DnsProof proof({});
  for (const auto& [secret, why] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"", "is empty"},
                                                                  {" \n", "is empty"},
                                                                  {"swordfish!", "in base64"},
                                                                  {"QUJ", "in base64"}}) {
    const auto publisher = make_update_publisher({.server = {},
                                                  .zone = "a.example",
                                                  .key_name = "signet",
                                                  .key_file = write("tsig", secret)},
                                                 proof);
    const auto done = publisher->publish({"s1._domainkey.a.example", "v=DKIM1; p=QUJD", 60s});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, Fault::publisher_failed);
    EXPECT_NE(done.error().detail.find(why), std::string::npos) << done.error().detail;
    EXPECT_EQ(done.error().detail.find("QUJ"), std::string::npos);
  }
}

class CommandPublisherTest : public StoreTest {
 protected:
  Result<void> run(std::string_view script, std::optional<std::string> value = "v=DKIM1; p=QUJD",
                   std::chrono::milliseconds timeout = 10s) {
    const auto program = write("publish", script, 0700);
    return make_command_publisher(
               {.program = {program, (store_ / "out").string()}, .timeout = timeout})
        ->publish({"s1._domainkey.a.example", std::move(value), 60s});
  }
  std::string output() {
    std::ifstream stream(store_ / "out");
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

TEST_F(CommandPublisherTest, the_program_gets_the_request_and_a_bare_environment) {
  setenv("SIGNET_TEST_SECRET", "not for others", 1);
  const auto done = run("#!/bin/sh\ncat > \"$1\"\nenv >> \"$1\"\n");
  ASSERT_TRUE(done) << done.error().detail;
  const auto said = output();
  EXPECT_TRUE(said.starts_with(R"({"action":"set","name":"s1._domainkey.a.example",)"
                               R"("strings":["v=DKIM1; p=QUJD"],"ttl":60,)"
                               R"("value":"v=DKIM1; p=QUJD"})"))
      << said;
  EXPECT_EQ(said.find("SIGNET_TEST_SECRET"), std::string::npos);
  ASSERT_TRUE(run("#!/bin/sh\ncat > \"$1\"\n", std::nullopt));
  EXPECT_EQ(output(), R"({"action":"delete","name":"s1._domainkey.a.example","ttl":60})"
                      "\n");
}

TEST_F(CommandPublisherTest, the_program_has_none_of_our_signal_settings_and_descriptors) {
  const auto before = signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  ASSERT_EQ(dup2(STDERR_FILENO, 200), 200);
  const auto done =
      run("#!/bin/sh\ncat >/dev/null\n"
          "grep -E '^Sig(Blk|Ign)' /proc/$$/status > \"$1\"\n"
          "if [ -e /proc/$$/fd/200 ]; then echo inherited >> \"$1\"; fi\n");
  close(200);
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  signal(SIGPIPE, before);
  ASSERT_TRUE(done) << done.error().detail;
  // Beyond the 31 are those that the C library keeps for itself.
  const auto said = output();
  EXPECT_TRUE(std::regex_match(said, std::regex("SigBlk:\t0{16}\nSigIgn:\t0{7}[01][08]0{7}\n")))
      << said;
}

TEST_F(CommandPublisherTest, any_other_end_is_a_failure_that_is_tried_again) {
  for (const auto& [script, why] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"#!/bin/sh\ncat >/dev/null\nexit 75\n", "exit status 75"},
           {"#!/bin/sh\ncat >/dev/null\nkill -9 $$\n", "ended by signal 9"}}) {
    const auto done = run(script);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().fault, Fault::publisher_failed);
    EXPECT_NE(done.error().detail.find(why), std::string::npos) << done.error().detail;
  }
}

TEST_F(CommandPublisherTest, a_program_that_hangs_is_killed_with_its_children) {
  const auto done = run("#!/bin/sh\ncat >/dev/null\nsleep 1000 & wait\n", "x", 300ms);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().detail.find("took over 300 ms"), std::string::npos);
}

TEST_F(CommandPublisherTest, a_stop_ends_a_program_that_hangs) {
  const auto program = write("publish", "#!/bin/sh\n: > \"$1\"\nsleep 1000\n", 0700);
  const auto publisher =
      make_command_publisher({.program = {program, (store_ / "out").string()}, .timeout = 300s});
  auto done = std::async(std::launch::async, [&] {
    return publisher->publish({"s1._domainkey.a.example", std::nullopt, 60s});
  });
  while (!std::filesystem::exists(store_ / "out")) std::this_thread::yield();
  publisher->stop();
  ASSERT_EQ(done.wait_for(30s), std::future_status::ready);
  EXPECT_NE(done.get().error().detail.find("the relay stops"), std::string::npos);
}

TEST_F(CommandPublisherTest, a_missing_program_is_a_failure) {
  const auto done = make_command_publisher({.program = {"/nonexistent/publish"}})
                        ->publish({"s1._domainkey.a.example", std::nullopt, 60s});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().detail.find("No such file"), std::string::npos);
}

}  // namespace
}  // namespace signet::keys
