// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What somebody gets for a mistake at the command line: one line that says what is wrong and what would be right. The
 * columns are the arguments (POD is a manifest of one pod, PODS of two, DIR a directory), the exit code, and the text.
 */
class MistakesTest {
    @TempDir
    private Path directory;

    @BeforeEach
    void write() throws IOException {
        Files.createDirectory(directory.resolve("folder"));
        Files.writeString(directory.resolve("pod.yaml"), Manifests.injected("web"));
        Files.writeString(
                directory.resolve("pods.yaml"), Manifests.injected("web") + "---\n" + Manifests.injected("cart"));
        Files.writeString(directory.resolve("deployment.yaml"), """
                apiVersion: apps/v1
                kind: Deployment
                metadata: {name: web}
                """);
        Files.writeString(directory.resolve("empty.yaml"), "");
        Files.writeString(directory.resolve("broken.yaml"), "kind: [");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', useHeadersInDisplayName = true, textBlock = """
            arguments                                        | code | text
            rulse                                            | 2 | meshcni: unknown command 'rulse', did you mean 'rules'?
            nonsense                                         | 2 | meshcni: unknown command 'nonsense'
            help rulse                                       | 2 | meshcni: unknown command 'rulse', did you mean 'rules'?
            --verbose                                        | 2 | meshcni: unknown option '--verbose'
            -o json                                          | 2 | meshcni: unknown option '-o'
            --log-level=loud version                         | 2 | meshcni: invalid value for option '--log-level': expected one of [debug, info, warn, error] but was 'loud'
            version --log-level debug                        | 2 | meshcni version: unknown option '--log-level'
            help rules extra                                 | 2 | meshcni help: unknown argument 'extra'
            version now                                      | 2 | meshcni version: unknown argument 'now'
            rules                                            | 2 | meshcni rules: name a pod, or a manifest with -f FILE
            rules -x                                         | 2 | meshcni rules: unknown option '-x'
            rules -f                                         | 2 | meshcni rules: missing required parameter for option '--filename' (FILE)
            rules -f POD --fromat tree                       | 2 | meshcni rules: unknown option '--fromat', did you mean '--format'?
            rules -f POD -format tree                        | 2 | meshcni rules: option '--filename' (FILE) should be specified only once
            rules -f POD --filenam POD                       | 2 | meshcni rules: unknown option '--filenam', did you mean '--filename'?
            rules -f POD -o yaml                             | 2 | meshcni rules: invalid value for option '--output': expected one of [iptables, nft, tree, mermaid, json] but was 'yaml'
            rules -f POD cart                                | 1 | pod.yaml contains no pod cart; it contains shop/web
            rules -f POD web -n other                        | 1 | pod.yaml contains no pod other/web; it contains shop/web
            rules -f POD shop/web -n other                   | 2 | meshcni rules: two namespaces: shop and other
            rules -f POD web cart                            | 2 | meshcni rules: unknown argument 'cart'
            rules -f POD web --name cart                     | 2 | meshcni rules: two names of pods: web and cart
            rules -f POD po/cart                             | 1 | pod.yaml contains no pod cart; it contains shop/web
            rules -f POD deployment web                      | 2 | meshcni rules: unknown argument 'web'
            rules -f POD -n other                            | 1 | pod.yaml contains no pod of namespace other; it contains shop/web
            rules POD                                        | 2 | pod.yaml is no pod's name, did you mean '-f
            rules -f https://example.com/pod.yaml            | 2 | meshcni rules: -f takes a file, not a URL; pipe what is there into -f -
            rules -f DIR/none.yaml                           | 1 | none.yaml does not exist
            rules -f DIR                                     | 1 | is a directory, expected a file
            rules -f DIR/deployment.yaml                     | 1 | deployment.yaml contains no Pod; for a pod created from a template, such as a Deployment's, use the output of "kubectl get pod NAME -o yaml"
            rules -f DIR/empty.yaml                          | 1 | empty.yaml contains no Pod
            rules -f DIR/broken.yaml                         | 1 | broken.yaml:1:8: invalid YAML
            rules -f POD --ip-families ipv5                  | 2 | --ip-families
            rules -f POD --log-level                         | 2 | meshcni rules: missing required parameter for option '--log-level' (LEVEL)
            rules web --kubeconfig DIR/none                  | 1 | none does not exist
            rules web --kubeconfg DIR/none                   | 2 | meshcni rules: unknown option '--kubeconfg', did you mean '--kubeconfig'?
            explain -f POD                                   | 2 | meshcni explain: one of these is required: --connect=PROTOCOL:ADDRESS:PORT, --accept=PROTOCOL:PORT
            explain --connect tcp:10.0.0.1:443               | 2 | meshcni explain: name a pod, or a manifest with -f FILE
            explain -f POD --connect 10.0.0.1                | 2 | --connect
            explain -f POD --connect tcp:10.0.0.1            | 2 | --connect
            explain -f POD --connect sctp:10.0.0.1:1         | 2 | --connect
            explain -f POD --connect tcp:example:1           | 2 | --connect
            explain -f POD --accept tcp:99999                | 2 | --accept
            explain -f POD --accept tcp:80 --connect tcp:10.0.0.1:80 | 2 | mutually exclusive
            explain -f POD --accept tcp:80 --uid 5           | 2 | meshcni explain: --uid can only be used with --connect
            explain -f POD --connect tcp:10.0.0.1:1 --uid me | 2 | --uid
            explain -f PODS --connect tcp:10.0.0.1:1         | 1 | pods.yaml contains several pods; name one of them: shop/web, shop/cart
            verify                                           | 2 | meshcni verify: name a pod, or a manifest with -f FILE
            verify -f POD                                    | 1 | the manifest of shop/web has no metadata.uid by which its processes are found; set --netns
            verify -f POD --netns DIR/none                   | 1 | none
            verify -f POD --netns DIR                        | 1 | network namespace
            verify -f PODS                                   | 1 | pods.yaml contains several pods; name one of them: shop/web, shop/cart
            verify -f POD -o xml                             | 2 | meshcni verify: invalid value for option '--output': expected one of [text, json] but was 'xml'
            status -o yaml                                   | 2 | meshcni status: invalid value for option '--output': expected one of [text, json] but was 'yaml'
            status --timeout-seconds soon                    | 2 | meshcni status: invalid value for option '--timeout-seconds': 'soon' is not a whole number
            status --wait --timeout 10                       | 2 | meshcni status: unknown option '--timeout', did you mean '--timeout-seconds'?
            status --kubeconfig DIR/none                     | 1 | kubeconfig
            doctor -o yaml                                   | 2 | meshcni doctor: invalid value for option '--output': expected one of [text, json] but was 'yaml'
            doctor --mounted-cni-net-dir DIR/none            | 1 | none does not exist
            doctor --cluster --kubeconfig DIR/none           | 1 | kubeconfig
            doctor --cluser                                  | 2 | meshcni doctor: unknown option '--cluser', did you mean '--cluster'?
            doctor --context prod                            | 2 | meshcni doctor: these options need --cluster
            install --mounted-cni-net-dir DIR/none           | 1 | none does not exist
            uninstall --mounted-cni-net-dir DIR/none         | 1 | none does not exist
            install --install-check-seconds 5                | 2 | meshcni install: unknown option '--install-check-seconds'
            install --chained-cni-plugin=no                  | 2 | meshcni install: invalid value for option '--chained-cni-plugin': expected true or false
            install --exclude-namespaces kube-system,Shop    | 2 | meshcni install: invalid value for option '--exclude-namespaces' (NAMESPACE): 'Shop' is not the name of a namespace
            install --plugin-log-level loud                  | 2 | meshcni install: invalid value for option '--plugin-log-level': expected one of [debug, info, warn, error, fatal, none] but was 'loud'
            uninstall --native-nftables                      | 2 | meshcni uninstall: unknown option '--native-nftables'
            manifest --platform azure                        | 2 | known platforms
            manifest -f DIR/none                             | 1 | none does not exist
            manifest -f DIR                                  | 1 | is a directory, expected a file
            manifest --set-file cni.env.A=DIR                | 1 | is a directory, expected a file
            manifest -f POD                                  | 1 | pod.yaml:
            manifest --set cni.env.DRIFT_REPAIR=maybe        | 1 | meshcni manifest: the daemon's variable DRIFT_REPAIR is "maybe", but must be true or false
            manifest --set cni.env.POD_WAIT_SECONDS=ten      | 1 | meshcni manifest: the daemon's variable POD_WAIT_SECONDS is "ten", but must be a whole number
            manifest --set cni.hup=x                         | 1 | meshcni manifest: --set
            manifest POD                                     | 2 | did you mean '-f
            manifest generate                                | 2 | meshcni manifest: unknown argument 'generate'
            manifest extra                                   | 2 | meshcni manifest: unknown argument 'extra'
            completion                                       | 2 | meshcni completion: missing: SHELL
            completion tcsh                                  | 2 | meshcni completion: invalid value for SHELL: expected one of [bash, zsh, fish] but was 'tcsh'
            iptables                                         | 2 | meshcni iptables: nothing to redirect: name ports and destinations, as in -b '*' -i '*'
            iptables --envoy-prt 1                           | 2 | meshcni iptables: unknown option '--envoy-prt', did you mean '--envoy-port'?
            validate --help-me                               | 2 | meshcni validate: unknown option '--help-me'
            """)
    void eachGetsOneLineThatHelps(String arguments, int code, String text) {
        Run run = Run.meshcni(List.of(arguments.split(" ")).stream()
                .map(argument -> argument.replaceFirst(
                                "^PODS$", directory.resolve("pods.yaml").toString())
                        .replaceFirst("^POD$", directory.resolve("pod.yaml").toString())
                        .replaceFirst(
                                "(?<=^|=)DIR$", directory.resolve("folder").toString())
                        .replaceFirst("^DIR/", directory + "/"))
                .toArray(String[]::new));

        assertThat(run.err()).contains(text);
        assertThat(run.err().lines()).hasSizeLessThanOrEqualTo(2).noneMatch(line -> line.contains("Exception"));
        assertThat(run.err()).startsWith("meshcni");
        assertThat(run.out()).isEmpty();
        assertThat(run.exitCode()).isEqualTo(code);
    }
}
