// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.meshcni.daemon.InstallCni;
import dev.meshcni.testkit.NeedsRoot;
import dev.meshcni.testkit.Slow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * Every command of README, docs/ and {@code --help} is run as it stands there, with the cluster, the node and the files
 * of this test. One that changes a real cluster, an image or a build is compared with what it refers to: {@link #FORM}
 * says why. A program that is in neither list fails.
 */
class PageCommandsTest {
    /** Programs of which only the form is checked, with the reason. */
    private static final Map<String, String> FORM = Map.ofEntries(
            Map.entry("kubectl", "needs a cluster"),
            Map.entry("helm", "needs a cluster; HelmChartTest renders the chart"),
            Map.entry("docker", "needs a container engine; DockerfileTest holds the Dockerfile"),
            Map.entry("skopeo", "needs a registry"),
            Map.entry("kind", "needs a cluster"),
            Map.entry("ctr", "changes the images of a node; ImageTest runs the image with containerd"),
            Map.entry("containerd", "shows the settings of a node"),
            Map.entry("./dev", "builds the project"),
            Map.entry("mvn", "builds the project"),
            Map.entry("install-cni", "runs until it is stopped; InstallCniTest and DistTest run it"),
            Map.entry("export", "is for the reader's shell"),
            Map.entry("man", "shows a page that the build has made"),
            Map.entry("jq", "shows what it reads"),
            Map.entry("grep", "shows what it reads"),
            Map.entry("less", "shows what it reads"),
            Map.entry("ln", "links what the build has made"),
            Map.entry("sha256sum", "reads what the build has made"),
            Map.entry("tar", "packs what the build has made"));

    /** Commands that work on the network namespace in which they are started. */
    private static final List<String> IN_A_NAMESPACE = List.of("verify", "iptables", "validate");

    private static final String POD = """
            {"apiVersion": "v1", "kind": "Pod",
             "metadata": {"name": "web-0", "namespace": "shop", "uid": "7d1c2f9a-0000-4000-8000-000000000001",
               "annotations": {"sidecar.istio.io/status": "{}"}},
             "spec": {"containers": [{"name": "app"}, {"name": "istio-proxy", "args": ["proxy", "sidecar"]}]},
             "status": {"podIPs": [{"ip": "10.9.0.2"}]}}
            """;

    @TempDir
    private Path directory;

    private PlainApiServer server;
    private String kubeconfig;

    @BeforeEach
    void makeClusterAndNode() throws IOException {
        server = PlainApiServer.start(PageCommandsTest::answer);
        Path config = Path.of(server.kubeconfig(directory));
        Files.writeString(
                config,
                Files.readString(config)
                        .replace("contexts: [", "contexts: [{name: prod, context: {cluster: test, user: test}}, "));
        kubeconfig = config.toString();
        for (String each : List.of("net.d", "bin", "source/bin", "pods")) {
            Files.createDirectories(directory.resolve(each));
        }
        Files.writeString(
                directory.resolve("net.d/10-pods.conflist"),
                "{\"cniVersion\":\"1.0.0\",\"name\":\"pods\",\"plugins\":[{\"type\":\"ptp\"}]}");
        Path plugin = Files.writeString(
                directory.resolve("source/bin/istio-cni"),
                "#!/bin/sh\necho '{\"cniVersion\":\"1.0.0\",\"supportedVersions\":[\"1.0.0\"]}'\n");
        Files.setPosixFilePermissions(plugin, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(directory.resolve("pod.yaml"), POD);
        Files.writeString(directory.resolve("FILE"), POD);
        Files.writeString(directory.resolve("values.yaml"), "cni: {hub: registry.example.com/mesh}\n");
        Files.writeString(
                directory.resolve("operator.yaml"),
                "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {components: {cni: {enabled: true}}}\n");
    }

    @AfterEach
    void end() throws IOException {
        server.close();
    }

    @TestFactory
    @Slow
    Stream<DynamicTest> everyCommandWorksAsItStands() {
        return commands(command -> !needsNamespace(command)).map(command -> {
            String reason = Optional.ofNullable(FORM.get(command.program()))
                    .map(why -> " (form only: " + why + ")")
                    .orElse("");
            return DynamicTest.dynamicTest(command.place() + " " + command + reason, () -> check(command));
        });
    }

    @TestFactory
    @NeedsRoot("makes network namespaces")
    @Slow
    Stream<DynamicTest> everyCommandForANamespaceWorksInOne() {
        return commands(PageCommandsTest::needsNamespace)
                .map(command -> DynamicTest.dynamicTest(command.place() + " " + command, () -> {
                    writeFilesOf(command);
                    try (PodNetns pod = PodNetns.create("10.9.0.2/24")) {
                        inNamespace(command, pod);
                    }
                }));
    }

    /** Whoever wants to know which commands no test runs finds them here, beside the reasons. */
    @Test
    void thoseThatAreNotRunAreListedWithTheReason() throws IOException {
        List<String> lines = commands(command -> FORM.containsKey(command.program()))
                .map(command -> command.place() + ": " + command + " (" + FORM.get(command.program()) + ")")
                .toList();
        Files.write(Path.of("../cni-cli/target/commands-not-run.txt"), lines);

        assertThat(lines).isNotEmpty();
    }

    private void check(PageCommand command) throws IOException, InterruptedException {
        writeFilesOf(command);
        switch (command.program()) {
            case "meshcni" -> meshcni(command);
            case "source" ->
                meshcni(PageCommand.parse(command.place(), command.toString().replaceAll("^source <\\(|\\)$", ""))
                        .getFirst());
            case "install-cni" ->
                InstallCni.commandLine().parseArgs(local(command).toArray(String[]::new));
            case "./dev" -> dev(command);
            case "mvn" -> mvn(command);
            case "kubectl" -> kubectl(command);
            case "helm" -> helm(command);
            case "docker" -> dockerfile(command);
            case "ctr", "kind", "sha256sum", "skopeo", "tar" ->
                assertThat(command.toString()).contains("mesh-cni.tar");
            case "grep", "jq", "less" -> assertThat(command.piped()).isTrue();
            case "containerd", "ln", "man" -> assertThat(command.arguments()).isNotEmpty();
            case "export" -> {
                if (command.toString().contains("PATH=")) {
                    assertThat(Pages.read("dev"))
                            .contains("DIST=" + command.toString().replaceAll(".*PWD/|/bin:.*", ""));
                }
            }
            default ->
                throw new AssertionError("no test knows what " + command.program() + " is, at " + command.place());
        }
    }

    private void meshcni(PageCommand command) {
        List<String> arguments = new ArrayList<>(local(command));
        if (arguments.size() < 2 && (arguments.isEmpty() || isOnlyNamed(arguments.getFirst()))) {
            assertThat(Meshcni.commandLine(Map.of()).getSubcommands().keySet()).containsAll(arguments);
            return;
        }
        boolean report = List.of("status", "doctor").contains(arguments.getFirst());
        arguments.addAll(settings(arguments));
        if (arguments.contains("--wait")) {
            arguments.replaceAll(word -> word.equals("120") ? "1" : word);
            arguments.addAll(arguments.contains("--timeout-seconds") ? List.of() : List.of("--timeout-seconds", "1"));
        }
        Run run = Run.meshcni(arguments.toArray(String[]::new));
        if (isOnlyNamed(arguments.getFirst()) && run.err().contains("name a pod, or a manifest")) {
            return;
        }
        assertThat(run.exitCode()).as(run.err()).isIn(report ? List.of(0, 1) : List.of(0));
        assertThat(run.out()).isNotBlank();
        assertThat(run.err()).doesNotContain("meshcni " + arguments.getFirst() + ": ");
    }

    /** A command that lacks what it is about is a name in a text. */
    private static boolean isOnlyNamed(String command) {
        return List.of("rules", "explain", "verify", "demo").contains(command);
    }

    /** The cluster and the node of this test. */
    private List<String> settings(List<String> arguments) {
        boolean cluster = arguments.contains("--cluster");
        return switch (arguments.getFirst()) {
            case "status", "rules", "explain" -> List.of("--kubeconfig", kubeconfig);
            case "doctor" -> cluster ? List.of("--kubeconfig", kubeconfig) : node();
            case "install" ->
                Stream.concat(node().stream(), Stream.of("--plugin-source-dir=" + directory.resolve("source")))
                        .toList();
            case "uninstall" -> node();
            default -> List.of();
        };
    }

    private List<String> node() {
        return List.of(
                "--mounted-cni-net-dir=" + directory.resolve("net.d"),
                "--cni-bin-target-dir=" + directory.resolve("bin"),
                "--cni-agent-run-dir=" + directory.resolve("run"));
    }

    private void inNamespace(PageCommand command, PodNetns pod) {
        List<String> arguments = new ArrayList<>(local(command));
        Run run;
        if (arguments.equals(List.of("verify"))) {
            return;
        }
        if (arguments.getFirst().equals("verify")) {
            if (!arguments.contains("--netns")) {
                arguments.addAll(List.of("--netns", pod.path().toString()));
            }
            arguments.replaceAll(word ->
                    word.matches("/(proc|var/run/netns)/.*") ? pod.path().toString() : word);
            arguments.addAll(List.of("--kubeconfig", kubeconfig));
            run = Run.meshcni(arguments.toArray(String[]::new));
            // Nothing has redirected this pod.
            assertThat(run.out()).contains("missing");
        } else {
            run = pod.meshcni(arguments.toArray(String[]::new));
        }
        // Changes are made; what is compared or tested differs, as no pod is complete here.
        assertThat(run.exitCode())
                .as(run.err())
                .isIn(arguments.getFirst().equals("iptables") ? List.of(0) : List.of(1, 126));
        assertThat(run.err()).doesNotContain("See 'meshcni");
    }

    private static void dev(PageCommand command) {
        List<String> arguments = command.arguments();
        assertThat(Pages.read("dev")).containsPattern("(?m)^  ([\\w-]+ \\| )*" + arguments.getFirst() + "\\b.*\\)");
        arguments.stream()
                .filter(word -> word.equals("--fast") || word.equals("--arch"))
                .forEach(word -> assertThat(Pages.read("dev")).contains(word + " "));
        mvn(command);
    }

    private static void mvn(PageCommand command) {
        String pom = Pages.read("pom.xml");
        List<String> words = command.words();
        int modules = words.indexOf("-pl");
        if (modules >= 0) {
            assertThat(words.get(modules + 1).split(",", -1))
                    .allSatisfy(module -> assertThat(pom).contains("<module>" + module + "</module>"));
        }
        words.stream()
                .filter(word -> word.startsWith("-P"))
                .forEach(word -> assertThat(pom).contains("<id>" + word.substring(2) + "</id>"));
        words.stream()
                .filter(word -> word.matches("-D(api|repository)\\..*"))
                .map(word -> word.substring(2).replaceFirst("=.*", ""))
                .filter(property -> !property.equals("api.record"))
                .forEach(property -> assertThat(pom).contains("<" + property));
    }

    /** Files exist, and the settings are those of the chart, which are the same as for {@code meshcni manifest}. */
    private static void helm(PageCommand command) {
        List<String> arguments = command.arguments();
        assertThat(arguments.getFirst())
                .isIn("get", "history", "install", "list", "rollback", "template", "uninstall", "upgrade");
        arguments.stream()
                .filter(word -> word.startsWith("deploy/"))
                .forEach(chart -> assertThat(Pages.PROJECT.resolve(chart).resolve("Chart.yaml"))
                        .exists());
        for (int i = 1; i < arguments.size(); i++) {
            if (arguments.get(i - 1).equals("--set")) {
                Run run = Run.meshcni("manifest", "--set", arguments.get(i));
                assertThat(run.exitCode()).as(run.err()).isZero();
            }
        }
    }

    private static void dockerfile(PageCommand command) {
        List<String> arguments = command.arguments();
        String file = arguments.get(arguments.indexOf("-f") + 1);
        String dockerfile = Pages.read(file);
        for (int i = 1; i < arguments.size(); i++) {
            if (arguments.get(i - 1).equals("--build-arg")) {
                assertThat(dockerfile).contains("ARG " + arguments.get(i).replaceFirst("=.*", ""));
            }
        }
    }

    /** Command and options exist, as kubectl itself says where it is installed. */
    private void kubectl(PageCommand command) throws IOException, InterruptedException {
        List<String> arguments = command.arguments();
        assertThat(arguments.getFirst())
                .isIn(
                        "apply",
                        "cp",
                        "top",
                        "create",
                        "delete",
                        "describe",
                        "exec",
                        "get",
                        "label",
                        "logs",
                        "rollout",
                        "taint");
        assumeTrue(Stream.of("/usr/bin/kubectl", "/usr/local/bin/kubectl")
                .map(Path::of)
                .anyMatch(Files::isExecutable));
        List<String> help = new ArrayList<>(List.of("kubectl", arguments.getFirst()));
        if (List.of("create", "rollout").contains(arguments.getFirst())) {
            help.add(arguments.get(1));
        }
        String options = output(help, "--help") + output(List.of("kubectl", "options"));
        arguments.stream()
                .takeWhile(word -> !word.equals("--"))
                .filter(word -> word.startsWith("-") && !word.equals("-"))
                .map(word -> word.replaceFirst("=.*", ""))
                .forEach(option -> assertThat(options)
                        .containsPattern("(?m)^ +(-\\w, )?" + option + "[=,]" + "|^ +" + option + ", "));
    }

    private String output(List<String> command, String... more) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(command);
        words.addAll(List.of(more));
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        process.waitFor();
        return Files.readString(output);
    }

    /** The arguments with files of this test for those that the reader has. */
    private List<String> local(PageCommand command) {
        List<String> words = new ArrayList<>();
        for (String word : command.arguments()) {
            String plain = word.startsWith("[") ? "" : word;
            if (plain.equals("-") && command.piped()) {
                words.add(directory.resolve("pod.yaml").toString());
            } else if (Files.exists(directory.resolve(plain)) && !plain.isEmpty() && !plain.startsWith("/")) {
                words.add(directory.resolve(plain).toString());
            } else if (plain.equals("DIR")) {
                words.add(directory.resolve("pods").toString());
            } else if (plain.equals("/etc/cni/net.d") || plain.equals("/opt/cni/bin")) {
                words.removeLast();
            } else if (!plain.isEmpty()) {
                words.add(plain);
            }
        }
        return words;
    }

    private void writeFilesOf(PageCommand command) throws IOException {
        String page = command.place().replaceFirst(":.*", "");
        if (page.contains(".md")) {
            for (Pages.Block block : Pages.blocks(page)) {
                if (block.file().isPresent() && block.language().equals("yaml")) {
                    Files.writeString(directory.resolve(block.file().get()), block.text());
                }
            }
        }
    }

    private static Stream<PageCommand> commands(Predicate<PageCommand> wanted) {
        return Stream.concat(Pages.all().stream().flatMap(page -> PageCommand.of(page).stream()), examples())
                .filter(wanted)
                .collect(Collectors.toMap(
                        PageCommand::toString, command -> command, (first, _) -> first, LinkedHashMap::new))
                .values()
                .stream();
    }

    /** The examples in the help of each command. */
    private static Stream<PageCommand> examples() {
        return Meshcni.commandLine(Map.of()).getSubcommands().values().stream()
                .map(CommandLine::getCommandSpec)
                .flatMap(spec -> Stream.of(spec.usageMessage().footer())
                        .filter(line -> line.startsWith("  "))
                        .flatMap(line -> PageCommand.parse(spec.qualifiedName() + " --help", line).stream()));
    }

    private static boolean needsNamespace(PageCommand command) {
        List<String> words = command.words();
        return command.program().equals("meshcni")
                && words.size() > 1
                && IN_A_NAMESPACE.contains(words.get(1))
                && !words.contains("--dry-run");
    }

    private static PlainApiServer.Answer answer(String path) {
        return switch (path) {
            case "/version" -> PlainApiServer.Answer.ok("{\"gitVersion\": \"v1.33.1\"}");
            case "/api/v1/namespaces/shop/pods/web-0" -> PlainApiServer.Answer.ok(POD);
            default ->
                path.startsWith("/api/v1/namespaces/")
                        ? PlainApiServer.Answer.refused(404, "Not Found")
                        : PlainApiServer.Answer.refused(403, "Forbidden");
        };
    }
}
