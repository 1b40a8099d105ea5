// The program: subcommands and their options. Wiring is in relay.cpp, each command in its own file.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <system_error>

#include "config/nearest_word.hpp"
#include "relay/admin/control_commands.hpp"
#include "relay/admin/queue_client.hpp"
#include "relay/admin/relay_command.hpp"
#include "relay/commands.hpp"
#include "relay/reference_text.hpp"

namespace {

using namespace signet::commands;

void add_serve(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("serve", "Run the relay");
  auto options = std::make_shared<ServeOptions>();
  command->add_option("--config", options->config, "Configuration file")->required();
  command->add_flag("--accept-spool-loss", options->accept_spool_loss,
                    "Start although the spool holds less than was once made durable");
  command->callback([options, &status] { status = serve(*options); });
}

void add_check(CLI::App& app, int& status) {
  auto* command =
      app.add_subcommand("check", "Check a configuration and sign a probe for its domains");
  struct Options {
    std::filesystem::path config;
    std::filesystem::path socket;
    bool all = false;
    bool against_running = false;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  command->add_option("--config", options->config, "Configuration file")->required();
  command->add_flag("--all", options->all, "Sign a probe for every domain, not a sample");
  auto* against = command->add_flag("--against-running", options->against_running,
                                    "List what it would change in the relay that runs");
  command->add_option("--socket", options->socket, "The relay's socket")->needs(against);
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] {
    status = options->against_running
                 ? compare_with_running(options->config, options->socket, options->json)
                 : check(options->config, options->all, options->json);
  });
}

void add_demo(CLI::App& app, int& status) {
  auto* command =
      app.add_subcommand("demo", "The whole job on loopback: accept, sign, verify, store, deliver");
  auto options = std::make_shared<DemoOptions>();
  command->add_flag("--once", options->once,
                    "Exit after the first message; status 0 if every check held");
  command->add_option("--dir", options->directory,
                      "Where keys, spool and Maildir go (default: a new temporary directory)");
  command->callback([options, &status] { status = demo(*options); });
}

void add_sign_and_verify(CLI::App& app, int& status) {
  auto* signing = app.add_subcommand("sign", "Sign a message: standard input to standard output");
  auto config = std::make_shared<std::filesystem::path>();
  signing->add_option("--config", *config, "Configuration file")->required();
  signing->callback([config, &status] { status = sign(*config); });

  auto* verifying =
      app.add_subcommand("verify", "Verify the signatures of a message on standard input");
  struct Options {
    std::string dns;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  verifying->add_option("--dns", options->dns, "Ask this name server: ADDRESS:PORT");
  verifying->add_flag("--json", options->json, "Print JSON");
  verifying->callback([options, &status] {
    std::optional<signet::Endpoint> dns;
    if (!options->dns.empty()) {
      const auto endpoint = signet::Endpoint::parse(options->dns);
      if (!endpoint) throw CLI::ValidationError("--dns", "not ADDRESS:PORT: " + options->dns);
      dns = *endpoint;
    }
    status = verify(dns, options->json);
  });
}

void add_dmarc(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("dmarc", "What DMARC makes of given SPF and DKIM results");
  auto options = std::make_shared<DmarcOptions>();
  auto dns = std::make_shared<std::string>();
  command->add_option("--from", options->from, "Author domain")->required();
  command->add_option("--spf", options->spf, "DOMAIN=RESULT of the MAIL FROM identity");
  command->add_option("--dkim", options->dkim, "DOMAIN=RESULT of a signature; may be repeated");
  command->add_option("--dns", *dns, "Ask this name server: ADDRESS:PORT");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, dns, &status] {
    if (!dns->empty()) {
      const auto endpoint = signet::Endpoint::parse(*dns);
      if (!endpoint) throw CLI::ValidationError("--dns", "not ADDRESS:PORT: " + *dns);
      options->dns = *endpoint;
    }
    status = dmarc(*options);
  });
}

void add_spf(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("spf", "What SPF says of an address that sends for a domain");
  auto options = std::make_shared<SpfOptions>();
  command->add_option("--ip", options->ip, "Address that sends")->required();
  command->add_option("--mail-from", options->mail_from,
                      "Envelope sender (default: the null sender, postmaster@HELO)");
  command->add_option("--helo", options->helo, "Name in HELO or EHLO")->required();
  command->add_option("--dns", options->dns, "Ask this name server: ADDRESS:PORT");
  command->add_flag("--explain", options->explain,
                    "Print the term that decided, the way to it, lookups, and the explanation");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] { status = spf(*options); });
}

void add_explain(CLI::App& app, int& status) {
  auto* command = app.add_subcommand(
      "explain",
      "Why a message met its fate, by queue id; or what one that nobody sent would meet");
  struct Options : ExplainOptions {
    signet::admin::RelayPlace place{.command = "explain", .socket = {}};
    std::string id;
  };
  auto options = std::make_shared<Options>();
  auto& asked = options->asked;
  auto* id = command->add_option("id", options->id, "Queue id: the running relay is asked");
  auto* from = command->add_option("--from", asked.from, "Author address of a message not sent");
  id->excludes(from);
  command->add_option("--to", asked.to, "Its recipient; may be repeated")->needs(from);
  command->add_option("--mail-from", asked.sender, "Its envelope sender; \"<>\": null")
      ->needs(from);
  auto* client = command->add_option("--client", asked.client, "The client that sends it");
  auto* ip = command->add_option("--ip", asked.address, "The address it comes from");
  client->needs(from)->excludes(ip);
  ip->needs(from);
  command->add_option("--user", asked.user, "AUTH user that sends it")
      ->needs(from)
      ->excludes(client);
  command->add_option("--config", options->place.config, "Configuration file")
      ->capture_default_str();
  command->add_option("--socket", options->place.socket, "The relay's socket")->excludes(from);
  command->add_flag("--json", options->place.as_json, "Print JSON");
  command->callback([options, &status] {
    if (options->id.empty() && options->asked.from.empty())
      throw CLI::ValidationError("explain", "name a queue id, or an author with --from");
    options->config = options->place.config;
    options->json = options->place.as_json;
    status = options->id.empty() ? explain(*options)
                                 : signet::admin::explain_message(options->place, options->id);
  });
}

void add_doctor(CLI::App& app, int& status) {
  auto* command = app.add_subcommand(
      "doctor", "Look at the DNS of domains: what is wrong, and the record to publish");
  auto options = std::make_shared<DoctorOptions>();
  auto* domains =
      command->add_option("domain", options->domains, "Domains (default: all that are configured)");
  auto* all = command->add_flag("--all")->description("Every domain that is configured");
  all->excludes(domains);
  command->add_option("--config", options->config, "Configuration file")->required();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] { status = doctor(*options); });
}

void add_user(CLI::App& app, int& status) {
  auto* user = app.add_subcommand("user", "AUTH users");
  user->require_subcommand(1);
  auto* command =
      user->add_subcommand("new", "Ask for a password and print the configuration lines");
  struct Options {
    std::string name;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  command->add_option("name", options->name, "User name")->required();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] { status = new_user(options->name, options->json); });
}

void add_metrics(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("metrics", "List every metric of /metrics with its meaning");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print JSON");
  command->callback([json, &status] { status = list_metrics(*json); });
}

void add_token(CLI::App& app, int& status) {
  auto* token = app.add_subcommand("token", "Tokens of the admin API");
  token->require_subcommand(1);
  auto* command =
      token->add_subcommand("new", "Make a token and print its line for the file of tokens");
  struct Options {
    std::string name;
    bool may_write = false;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  command->add_option("name", options->name, "Who will use it: shown in the audit log")->required();
  command->add_flag("--write", options->may_write, "It may change things, not only read");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback(
      [options, &status] { status = new_token(options->name, options->may_write, options->json); });
}

}  // namespace

namespace {

void add_queue(CLI::App& app, int& status) {
  signet::admin::add_queue_commands(app, status);
  auto* command = app.get_subcommand("queue")->add_subcommand(
      "export", "Write the messages of a stopped or damaged spool as .eml and .json");
  struct Options {
    std::filesystem::path config;
    std::filesystem::path spool;
    std::filesystem::path target;
  };
  auto options = std::make_shared<Options>();
  auto* place = command->add_option_group("place");
  place->add_option("--config", options->config, "Configuration file (names the spool)");
  place->add_option("--spool", options->spool, "Spool directory");
  place->require_option(1);
  command->add_option("directory", options->target, "Where the files go")->required();
  command->callback([options, &status] {
    status = export_queue(options->config, options->spool, options->target);
  });
}

}  // namespace

namespace {

/// sendmail's options are not of the kind the others are: they go to the command as they are.
bool is_send(int argc, char** argv) {
  if (argc == 0) return false;
  if (std::filesystem::path(argv[0]).filename() == "sendmail") return true;
  return argc > 1 && std::string_view(argv[1]) == "send";
}

int send_with(int argc, char** argv) {
  const bool is_sendmail = std::filesystem::path(argv[0]).filename() == "sendmail";
  return send({argv + (is_sendmail ? 1 : 2), argv + argc});
}

}  // namespace

namespace {

void add_reference(CLI::App& app) {
  auto* command = app.add_subcommand(
      "reference", "Manual pages and shell completion, from the program's own descriptions");
  auto what = std::make_shared<std::string>();
  command
      ->add_option("what", *what, "manual: signet(1); settings: signet.toml(5); completion: bash")
      ->required()
      ->check(CLI::IsMember({"manual", "settings", "completion"}));
  command->callback([what, &app] {
    const std::string text = *what == "manual"     ? command_manual(app)
                             : *what == "settings" ? settings_manual(example_configuration())
                                                   : bash_completion(app);
    std::fputs(text.c_str(), stdout);
  });
}

/// Without option groups, which are commands without a name to CLI11.
std::vector<std::pair<std::string, const CLI::App*>> commands_of(const CLI::App& app) {
  std::vector<std::pair<std::string, const CLI::App*>> named;
  for (const CLI::App* each : app.get_subcommands({})) {
    if (!each->get_name().empty()) named.emplace_back(each->get_name(), each);
  }
  return named;
}

/// The words of a command that is not there, which CLI11 would only call unexpected; empty: it is.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  const CLI::App* group = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto commands = commands_of(*group);
    if (word.starts_with('-') || commands.empty()) return {};
    const auto found =
        std::ranges::find_if(commands, [&](const auto& each) { return each.first == word; });
    if (found == commands.end()) {
      std::vector<std::string> known;
      known.reserve(commands.size());
      for (const auto& [name, command] : commands) known.push_back(name);
      const std::string best = signet::config::nearest_word(word, known);
      const std::string place = group == &app ? "signet" : "signet " + group->get_name();
      return fmt::format("{} has no command \"{}\"{}\n{} --help lists them", place, word,
                         best.empty() ? "" : fmt::format(": did you mean \"{}\"?", best), place);
    }
    group = found->second;
  }
  return {};
}

constexpr int kUsage = 64;  // EX_USAGE of sysexits.h.

/// The exit status for wrong options. Commands that answer a question say 0 and 1 for the answer.
int usage_status(std::string_view command) {
  return command == "doctor" || command == "spf" ? 2 : kUsage;
}

int run(int argc, char** argv) {
  CLI::App app("Signet: an outbound DKIM signing relay", "signet");
  app.set_version_flag("--version", "signet " SIGNET_VERSION);
  app.require_subcommand(1);
  int status = 0;
  add_serve(app, status);
  add_check(app, status);
  add_demo(app, status);
  add_sign_and_verify(app, status);
  add_dmarc(app, status);
  add_spf(app, status);
  add_explain(app, status);
  add_doctor(app, status);
  add_key_commands(app, status);
  add_user(app, status);
  add_token(app, status);
  add_queue(app, status);
  add_metrics(app, status);
  add_reference(app);
  signet::admin::add_drain_command(app, status);
  signet::admin::add_reload_command(app, status);
  signet::admin::add_top_command(app, status);
  app.add_subcommand("send", "Submit a message as sendmail(1) does: signet send --help");
  if (const std::string words = unknown_command(app, argc, argv); !words.empty()) {
    std::fprintf(stderr, "%s\n", words.c_str());
    return kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : usage_status(argc > 1 ? argv[1] : "");
  } catch (const nlohmann::json::type_error&) {  // What becomes JSON must be UTF-8.
    std::fputs("signet: an argument is not UTF-8\n", stderr);
    return kUsage;
  }
  return status;
}

constexpr int kUnwritten = 2;  // Exit status: what was asked for is not where it should be.

/// Who reads standard output has closed it, as head(1) does when it has enough.
bool is_reader_gone() {
  pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

/// The exit status when all is printed; `error` is the errno of a write that failed before, or 0:
/// stdio keeps none, so of what was flushed earlier only that it failed is known.
int finish_output(int status, int error) {
  errno = 0;
  if (std::fflush(stdout) != 0 && error == 0) error = errno;
  if (std::ferror(stdout) == 0 || error == EPIPE || is_reader_gone()) return status;
  std::fprintf(stderr, "signet: standard output: %s\n",
               error == 0 ? "not all could be written" : std::strerror(error));
  return std::max(status, kUnwritten);
}

}  // namespace

int main(int argc, char** argv) {
  protect_keys();
  if (is_send(argc, argv)) return send_with(argc, argv);
  try {
    return finish_output(run(argc, argv), 0);
  } catch (const std::system_error& failed) {  // Of fmt::print.
    if (std::ferror(stdout) != 0) return finish_output(0, failed.code().value());
    if (std::ferror(stderr) != 0) return kUnwritten;
    throw;
  }
}
