// Runs tests/dialogues/*.txt against a real session, each three ways: a line a packet, all that may
// be pipelined in one packet, and an octet at a time. The replies must be the same.
#include <gtest/gtest.h>

#include "relay/smtp/reply.hpp"
#include "tests/unit/accept/conversation.hpp"
#include "tests/unit/accept/dialogue_script.hpp"

namespace signet::accept::test {
namespace {

using config::ListenerTls;

bool apply(const Setting& setting, Conversation& conversation) {
  auto& [name, value] = setting;
  auto& limits = conversation.door.configured.limits;
  auto& listener = conversation.listener;
  if (name == "starttls")
    listener.tls = ListenerTls::starttls;
  else if (name == "implicit_tls")
    listener.tls = ListenerTls::implicit;
  else if (name == "require_tls")
    listener.require_tls = true;
  else if (name == "require_auth")
    listener.require_auth = true;
  else if (name == "no_client")
    conversation.door.configured.clients.clear();
  else if (name == "full")
    conversation.door.full = true;
  else if (name == "draining")
    conversation.door.draining = true;
  else if (name == "message_bytes")
    limits.message_bytes = value;
  else if (name == "header_bytes")
    limits.header_bytes = value;
  else if (name == "recipients")
    limits.recipients = value;
  else if (name == "transactions")
    limits.transactions_per_session = value;
  else if (name == "junk_commands")
    limits.junk_commands = value;
  else if (name == "command_timeout")
    conversation.door.configured.timeouts.command = std::chrono::seconds(value);
  else if (name == "repair_bare_lf")
    conversation.door.framing.repair_bare_lf = true;
  else
    return false;
  return true;
}

std::string escaped(std::string_view octets) {
  std::string text;
  for (const char octet : octets) {
    if (octet == '\r')
      text += "\\r";
    else if (octet == '\n')
      text += "\\n";
    else
      text += octet;
  }
  return text;
}

std::string parameter(const char* keyword, const std::string& value) {
  return value.empty() ? "" : std::string(" ") + keyword + "=" + value;
}

/// "ESMTP client.example: <a@example.com> RET=HDRS -> b@example.net NOTIFY=NEVER | header | body"
std::string summary(const Received& message) {
  std::string text = message.facts.protocol + " " + message.facts.helo + ": ";
  if (!message.facts.peer.user.empty()) text += "(" + message.facts.peer.user + ") ";
  text += to_string(message.envelope.sender);
  text += parameter("RET", message.envelope.dsn_return);
  text += parameter("ENVID", message.envelope.envelope_id);
  if (message.envelope.require_tls) text += " REQUIRETLS";
  text += " ->";
  for (const auto& recipient : message.envelope.recipients) {
    text += " " + recipient.address.to_string();
    text += parameter("NOTIFY", recipient.dsn.notify);
    text += parameter("ORCPT", recipient.dsn.original_recipient);
  }
  return text + " | " + escaped(message.header) + " | " + escaped(message.body);
}

bool matches(std::string_view seen, std::string_view expected) {
  if (!expected.ends_with('*')) return seen == expected;
  return seen.starts_with(expected.substr(0, expected.size() - 1));
}

// What is wrong; empty: nothing.
net::Task<std::string> play_line(Talker& talker, const Line& line, std::size_t step) {
  if (line.turn == Turn::client) {
    auto sending = talker.send(line.text, line.text.size() > 4000 ? 97 * step : step);
    co_await std::move(sending);
    co_return "";
  }
  if (line.turn == Turn::handshake) {
    auto handshake = talker.start_tls();
    const bool is_done = co_await std::move(handshake);
    co_return is_done ? "" : "no TLS";
  }
  auto reading = talker.line();
  const std::string seen = co_await std::move(reading);
  const std::string expected = line.turn == Turn::end ? "EOF" : line.text;
  co_return matches(seen, expected) ? "" : "expected '" + expected + "', got '" + seen + "'";
}

net::Task<void> play(Talker& talker, const Script& script, std::size_t step) {
  for (const Line& line : script.lines) {
    auto playing = play_line(talker, line, step);
    const std::string problem = co_await std::move(playing);
    if (problem.empty()) continue;
    ADD_FAILURE() << script.name << ".txt:" << line.number << ": " << problem;
    break;
  }
  talker.stream().shut_down();
}

void run_script(const Script& script, std::size_t step) {
  Conversation conversation;
  for (const Setting& setting : script.settings) {
    ASSERT_TRUE(apply(setting, conversation)) << script.name << ": " << setting.name;
  }
  auto& talker = conversation.begin();
  conversation.run(play(talker, script, step));
  std::vector<std::string> seen;
  for (const auto& message : conversation.door.messages) seen.push_back(summary(message));
  EXPECT_EQ(seen, script.messages) << script.name;
  EXPECT_EQ(conversation.door.inside, 0);
}

class SessionDialogues : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(SessionDialogues, goes_the_same_by_line_by_group_and_by_octet) {
  const Script script = read_script(GetParam());
  ASSERT_EQ(script.problem, "");
  ASSERT_FALSE(script.lines.empty());
  {
    SCOPED_TRACE("a line a packet");
    run_script(script, 0);
  }
  {
    SCOPED_TRACE("pipelined");
    run_script(pipelined(script), 0);
  }
  SCOPED_TRACE("an octet a packet");
  run_script(script, 1);
}

INSTANTIATE_TEST_SUITE_P(All, SessionDialogues, testing::ValuesIn(all_scripts()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace signet::accept::test
