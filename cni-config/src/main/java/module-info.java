/**
 * Settings of people: YAML with the positions of keys, the environment as defaults of options, and the version of this
 * build.
 */
module dev.meshcni.config {
    requires transitive info.picocli;
    requires transitive org.snakeyaml.engine;
    requires dev.meshcni.rules;

    exports dev.meshcni.config;
}
