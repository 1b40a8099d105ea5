// The data of one message, by DATA or by BDAT: decodes, splits header from body, and feeds the
// Intake.
//
// A refusal does not stop the octets: the rest is taken and dropped, so that client and server stay
// in step, and the client hears of it after the end of the data (RFC 5321 4.1.1.4) or of the chunk
// (RFC 3030 2). Only where the end of the data is in doubt is the phase broken, and the connection
// must end: never so with BDAT.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "relay/accept/header_split.hpp"
#include "relay/accept/session.hpp"

namespace signet::accept {

class DataPhase {
 public:
  struct Progress {
    std::size_t consumed = 0;  ///< Octets of the input used; after the end the rest are commands.
    bool ended = false;
    bool broken = false;  ///< See refusal(): nothing that follows may be read.
  };
  static constexpr std::size_t kMaxSlice = 64U << 10;
  /// Times the size limit that is still read and dropped.
  static constexpr std::uint64_t kPatience = 2;
  enum class Framing { by_dot, by_size };

  /// `limits` outlives the phase.
  DataPhase(std::unique_ptr<Intake> intake, const config::Limits& limits,
            Framing framing = Framing::by_dot);

  /// `input` lives until the task is done; any cut gives the same result.
  [[nodiscard]] net::Task<Progress> feed(std::string_view input);
  /// After the end of the data. The Intake's answer, or the first refusal.
  [[nodiscard]] net::Task<Result<QueueId>> finish();

  /// Octets of data so far.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// More than a slice came already.
  [[nodiscard]] bool is_large() const { return size_ > kMaxSlice; }
  [[nodiscard]] const std::optional<Error>& refusal() const { return refusal_; }
  /// The refusal was ours, not the Intake's.
  [[nodiscard]] bool is_refused_here() const { return refused_here_; }

 private:
  /// Judges what was decoded, and gives it to the Intake.
  [[nodiscard]] net::Task<void> take_decoded();
  [[nodiscard]] net::Task<void> hand_over();
  [[nodiscard]] net::Task<void> give_header();
  void refuse(Fault fault, std::string detail);
  void note(const Result<void>& answer);

  const config::Limits& limits_;
  std::unique_ptr<Intake> intake_;  // Null once refused.
  smtp::DataDecoder::Options framing_;
  bool by_size_;
  smtp::DataDecoder decoder_;
  HeaderSplit split_;
  bool header_given_ = false;
  std::string decoded_;
  std::uint64_t size_ = 0;
  std::optional<Error> refusal_;
  bool refused_here_ = false;
};

}  // namespace signet::accept
