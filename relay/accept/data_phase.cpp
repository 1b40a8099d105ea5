#include "relay/accept/data_phase.hpp"

#include <utility>

namespace signet::accept {
namespace {

constexpr std::uint64_t kPatience = 2;  // Times the size limit that is still read and dropped.

// A long line does not put the end of the data in doubt, so the decoder lets it pass and we refuse.
smtp::DataDecoder::Options decoding(smtp::DataDecoder::Options framing) {
  framing.allow_long_lines = true;
  return framing;
}

}  // namespace

DataPhase::DataPhase(std::unique_ptr<Intake> intake, const config::Limits& limits)
    : limits_(limits),
      intake_(std::move(intake)),
      framing_(intake_->framing()),
      decoder_(decoding(framing_)),
      split_(limits.header_bytes) {}

net::Task<DataPhase::Progress> DataPhase::feed(std::string_view input) {
  decoded_.clear();
  const auto step = decoder_.decode(input, decoded_);
  if (!step) {
    refuse(step.error().fault, step.error().detail);
    co_return Progress{.broken = true};
  }
  size_ += decoded_.size();
  if (size_ > limits_.message_bytes) refuse(Fault::message_too_big, std::to_string(size_));
  if (decoder_.saw_long_line() && !framing_.allow_long_lines) refuse(Fault::line_over_998, {});
  if (!refusal_) {
    auto handing = hand_over();
    co_await std::move(handing);
  }
  const bool is_too_much = size_ / kPatience > limits_.message_bytes;
  co_return Progress{
      .consumed = step->consumed, .ended = step->ended, .broken = is_too_much && !step->ended};
}

net::Task<void> DataPhase::hand_over() {
  std::string_view body = split_.feed(decoded_);
  if (split_.is_too_big()) refuse(Fault::header_too_big, {});
  if (split_.is_complete() && !header_given_) {
    auto giving = give_header();
    co_await std::move(giving);
  }
  while (!body.empty() && !refusal_) {
    auto taking = intake_->body(body.substr(0, kMaxSlice));
    const auto taken = co_await std::move(taking);
    note(taken);
    body.remove_prefix(std::min(body.size(), kMaxSlice));
  }
}

net::Task<void> DataPhase::give_header() {
  header_given_ = true;
  auto taking = intake_->header(split_.take_block());
  const auto taken = co_await std::move(taking);
  note(taken);
}

net::Task<Result<QueueId>> DataPhase::finish() {
  if (!refusal_ && !header_given_) {
    auto giving = give_header();
    co_await std::move(giving);
  }
  if (refusal_) co_return fail(*refusal_);
  auto ending = intake_->end(decoder_);
  auto stored = co_await std::move(ending);
  if (!stored) refusal_ = stored.error();
  co_return stored;
}

void DataPhase::refuse(Fault fault, std::string detail) {
  if (refusal_) return;
  note(fail(fault, std::move(detail)));
  refused_here_ = true;
}

void DataPhase::note(const Result<void>& answer) {
  if (answer) return;
  refusal_ = answer.error();
  intake_.reset();
}

}  // namespace signet::accept
