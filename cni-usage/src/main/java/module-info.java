/** What is made of a command line that picocli knows: manual pages, completion for fish, kubectl's names. */
module dev.meshcni.usage {
    requires transitive info.picocli;

    exports dev.meshcni.usage;
}
