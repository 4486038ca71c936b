# Run by the build: PROGRAM, which is installed as NAME, writes its man page and its completions below the folder SHARE.
function(write_document folder file)
  file(MAKE_DIRECTORY ${SHARE}/${folder})
  execute_process(COMMAND ${PROGRAM} ${ARGN} OUTPUT_FILE ${SHARE}/${folder}/${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

write_document(man/man1 ${NAME}.1 --print-man)
write_document(bash-completion/completions ${NAME} --print-completion bash)
write_document(zsh/site-functions _${NAME} --print-completion zsh)
