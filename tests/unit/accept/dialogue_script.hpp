// A conversation as text (tests/dialogues/*.txt):
//
//   # a comment
//   ! SETTING [VALUE]   before all else: starttls, implicit_tls, require_tls, require_auth,
//                       no_client, full, draining, message_bytes N, header_bytes N, recipients N,
//                       transactions N, junk_commands N, command_timeout SECONDS, repair_bare_lf
//   S: TEXT             a line of a reply, exactly; a final * stands for any rest
//   C: TEXT             a line the client sends, CRLF added
//   C> TEXT             octets the client sends, nothing added
//   T:                  the client's TLS handshake
//   E:                  the server ends the connection
//   M: TEXT             a message the server took, in order: see summary() in the test
//
// In what the client sends \r, \n, \0 and \\ are escapes, \xHH an octet, and {c*N} is the octet c N
// times.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace signet::accept::test {

enum class Turn { server, client, handshake, end };

struct Line {
  Turn turn = Turn::server;
  std::string text;  ///< Octets to send, or the reply without its CRLF.
  int number = 0;    ///< In the file.
};

struct Setting {
  std::string name;
  unsigned value = 0;
};

struct Script {
  std::string name;
  std::vector<Setting> settings;
  std::vector<Line> lines;
  std::vector<std::string> messages;
  std::string problem;  ///< A line that is none of the above.
};

[[nodiscard]] Script read_script(const std::filesystem::path& file);
[[nodiscard]] std::vector<std::filesystem::path> all_scripts();

/// The same conversation with everything in one packet that the client may send without waiting
/// (RFC 2920 3.1): client lines move up to the line before them unless that one needs an answer.
[[nodiscard]] Script pipelined(Script script);

}  // namespace signet::accept::test
